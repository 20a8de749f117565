"""Keys of cached vectors."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_ROW = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "vector_segments",
        sa.Column("account_id", sa.String(length=12), nullable=False),
        sa.Column("collection_row", _ROW, autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("first_row", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("through_row", sa.BigInteger(), nullable=False),
        sa.Column("row_count", sa.Integer(), nullable=False),
        sa.Column("segment_id", sa.String(length=32), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id", "collection_row"],
            ["collections.account_id", "collections.row"],
            name=op.f("fk_vector_segments_account_id_collection_row"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "collection_row", "kind", "first_row", name=op.f("pk_vector_segments")),
    )


def downgrade() -> None:
    """Drop the table: it is a cache."""
    op.drop_table("vector_segments")
