"""The schema's history, as Alembic revisions in `versions/`, run whenever a database is opened.

Each service has a branch of its own, so that two services can add revisions without knowing of each
other: the files are `<service>_NNNN.py`, the revision has the file's name. A service's first revision
says ``down_revision = None`` and ``branch_labels = ("<service>",)``; each later one names the one before.
Where a table refers to another service's table, ``depends_on`` names the revision that makes it.

Write what the revision does with `op.create_table` and the like, not with the service's `records`: those
change later, a revision never does. A test compares the two on both databases. Constraint names come from
the naming convention in `gateway.store.metadata`; `op.f("...")` marks a name that is already complete.
"""
