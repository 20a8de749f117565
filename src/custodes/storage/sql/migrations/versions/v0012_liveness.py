"""Sessions of face liveness."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "liveness_sessions",
        sa.Column("account_id", sa.String(length=12), nullable=False),
        sa.Column("session_id", sa.String(length=36), nullable=False),
        sa.Column("token", sa.String(length=64), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("created_ts_ms", sa.BigInteger(), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "session_id", name=op.f("pk_liveness_sessions")),
    )
    op.create_index(op.f("ix_liveness_sessions_account_id_token"), "liveness_sessions", ["account_id", "token"])
    op.create_index(op.f("ix_liveness_sessions_created_ts_ms"), "liveness_sessions", ["created_ts_ms"])


def downgrade() -> None:
    """Refuse: results that somebody waits for would be lost."""
    raise NotImplementedError("liveness_sessions cannot be dropped")
