"""Runs the migrations on the connection that `ecert.store.sql.migrate` hands over."""

from alembic import context

from ecert.store.sql.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
    transaction_per_migration=False,
)
context.run_migrations()
