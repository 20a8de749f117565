"""Versions of collections, and what changed with each."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and the table."""
    for name in ("version", "known_from"):
        op.add_column("collections", sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))
    op.create_table(
        "collection_changes",
        sa.Column("account_id", sa.String(length=12), nullable=False),
        sa.Column(
            "collection_row",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("changed_row", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id", "collection_row"],
            ["collections.account_id", "collections.row"],
            name=op.f("fk_collection_changes_account_id_collection_row"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "account_id",
            "collection_row",
            "kind",
            "version",
            "changed_row",
            name=op.f("pk_collection_changes"),
        ),
    )


def downgrade() -> None:
    """Refuse: servers that follow would miss changes."""
    raise NotImplementedError("versions of collections cannot be dropped")
