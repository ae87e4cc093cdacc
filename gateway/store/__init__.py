"""Where the gateway keeps what is not on the ledger, and projections of what is.

`metadata` is the one catalogue of tables, to which each service adds its own in its `records` module;
`database` reads and writes; `migrations` holds the schema's history; `projection` rebuilds what the
ledger can give again. SQLite is the default; PostgreSQL is for condominiums with more than one gateway.

To add tables: declare them in `gateway/<service>/records.py` on `gateway.store.metadata.METADATA`, then
add `migrations/versions/<service>_NNNN.py` as `migrations/__init__.py` says.
"""
