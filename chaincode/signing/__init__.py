"""What gets signed, byte by byte: intents, reading batches, commands, start requests and receipts.

Every format is specified in `docs/protocol.md`; `tests/vectors/` holds the bytes that each
implementation, in whatever language, must produce and accept.
"""
