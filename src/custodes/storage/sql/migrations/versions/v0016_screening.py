"""Cases of screening and known people."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables; what is in files of earlier versions is taken over when they are opened."""
    op.create_table(
        "screening_records",
        sa.Column("row", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("account_id", sa.String(length=12), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=512), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("row", name=op.f("pk_screening_records")),
        sa.UniqueConstraint("account_id", "name", name=op.f("uq_screening_records_account_id_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "known_people",
        sa.Column("account_id", sa.String(length=12), nullable=False),
        sa.Column("celebrity_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("urls", sa.Text(), nullable=False),
        sa.Column("gender", sa.String(length=16), nullable=True),
        sa.PrimaryKeyConstraint("account_id", "celebrity_id", name=op.f("pk_known_people")),
    )


def downgrade() -> None:
    """Refuse: decisions of officers would be lost."""
    raise NotImplementedError("screening_records and known_people cannot be dropped")
