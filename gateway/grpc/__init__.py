"""The gRPC interface: units' streams, and what wallets and auditors do with machine clients.

`server` starts it; each service of `gateway/proto` has a module of its name.
"""
