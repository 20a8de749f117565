"""What servers over one database tell each other."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "shared_notes",
        sa.Column("account_id", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("changes", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("account_id", "name", name=op.f("pk_shared_notes")),
    )


def downgrade() -> None:
    """Refuse: cases of identifications would be lost."""
    raise NotImplementedError("shared_notes cannot be dropped")
