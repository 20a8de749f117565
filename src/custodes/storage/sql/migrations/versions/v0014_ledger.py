"""A ledger that several servers write."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def _account() -> sa.Column[str]:
    return sa.Column("account_id", sa.String(length=12), nullable=False)


def _entry() -> sa.Column[int]:
    return sa.Column("entry_index", sa.BigInteger(), autoincrement=False, nullable=False)


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "ledger_sequences",
        _account(),
        sa.Column("next_index", sa.BigInteger(), nullable=False),
        sa.Column("t_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_ledger_sequences")),
    )
    op.create_table(
        "ledger_entries",
        _account(),
        _entry(),
        sa.Column("envelope", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "entry_index", name=op.f("pk_ledger_entries")),
    )
    op.create_table(
        "ledger_bodies",
        _account(),
        _entry(),
        sa.Column("salt", sa.LargeBinary(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("account_id", "entry_index", name=op.f("pk_ledger_bodies")),
    )
    op.create_table(
        "ledger_permissions",
        _account(),
        _entry(),
        sa.Column("node", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "entry_index", name=op.f("pk_ledger_permissions")),
    )
    op.create_index(op.f("ix_ledger_permissions_account_id_node"), "ledger_permissions", ["account_id", "node"])
    op.create_table(
        "ledger_nodes",
        _account(),
        sa.Column("node", sa.String(length=32), nullable=False),
        sa.Column("seen_ms", sa.BigInteger(), nullable=False),
        sa.Column("turn", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "node", name=op.f("pk_ledger_nodes")),
    )
    op.create_table(
        "leases",
        _account(),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("holder", sa.String(length=32), nullable=False),
        sa.Column("address", sa.String(length=1024), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "name", name=op.f("pk_leases")),
    )


def downgrade() -> None:
    """Refuse: entries would be lost."""
    raise NotImplementedError("the tables of the ledger cannot be dropped")
