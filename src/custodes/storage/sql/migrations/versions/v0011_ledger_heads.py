"""The last published checkpoint of the ledger."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "ledger_heads",
        sa.Column("account_id", sa.String(length=12), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_ledger_heads")),
    )


def downgrade() -> None:
    """Refuse: a ledger that was set back would not be noticed."""
    raise NotImplementedError("the heads cannot be dropped")
