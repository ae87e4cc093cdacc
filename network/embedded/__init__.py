"""The ledger of a condominium that runs by itself: one process, one SQLite file, Fabric's semantics."""
