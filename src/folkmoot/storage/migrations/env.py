"""What alembic runs for `folkmoot.storage.schema`, which hands in the connection."""

from alembic import context

from folkmoot.storage.tables import is_compared, metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    include_object=is_compared if connection.dialect.name == "sqlite" else None,
    # SQLite can do it too, as long as nobody commits in between.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
