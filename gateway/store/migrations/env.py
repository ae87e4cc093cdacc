"""What Alembic runs: every migration on the connection that `gateway.store.migration` hands over."""

from alembic import context

from gateway.store.metadata import METADATA

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=METADATA,
    render_as_batch=connection.dialect.name == "sqlite",
    transactional_ddl=True,
)
context.run_migrations()
