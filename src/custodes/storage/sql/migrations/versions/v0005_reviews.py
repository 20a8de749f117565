"""Reviews by two persons: results of searches that are held back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "reviews",
        sa.Column("account_id", sa.String(length=12), nullable=False),
        sa.Column("review_id", sa.String(length=32), nullable=False),
        sa.Column("created_ts_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_ts_ms", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "review_id", name=op.f("pk_reviews")),
    )
    op.create_index(
        op.f("ix_reviews_account_id_created_ts_ms_review_id"), "reviews", ["account_id", "created_ts_ms", "review_id"]
    )
    op.create_index(op.f("ix_reviews_expires_ts_ms"), "reviews", ["expires_ts_ms"])


def downgrade() -> None:
    """Refuse: results that nobody has confirmed would be lost."""
    raise NotImplementedError("reviews cannot be dropped")
