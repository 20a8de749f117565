"""Run by Alembic: applies migrations on the connection that ``migrate`` handed over, each in its own transaction."""

from __future__ import annotations

from alembic import context

from custodes.storage.sql.schema import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transactional_ddl=True,  # SQLite does roll back DDL; Alembic's default for it is older than that
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
