"""What alembic runs for `folkmoot.storage.schema`, which hands in the connection."""

from alembic import context

from folkmoot.storage.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite can do it too, as long as nobody commits in between.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
