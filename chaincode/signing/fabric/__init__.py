"""Hyperledger Fabric's blocks and transactions, read byte by byte by whoever checks them.

Auditors need no package of Fabric's for it, and nothing here can be read in two ways: `wire` refuses what an
honest encoder never writes.
"""
