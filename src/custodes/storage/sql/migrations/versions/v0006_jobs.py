"""Jobs, their results, and notices of their ends."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_ROW = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "jobs",
        sa.Column("row", _ROW, autoincrement=True, nullable=False),
        sa.Column("account_id", sa.String(length=12), nullable=False),
        sa.Column("job_id", sa.String(length=64), nullable=False),
        sa.Column("operation", sa.String(length=64), nullable=False),
        sa.Column("token", sa.String(length=64)),
        sa.Column("channel", sa.Text()),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("created_ts_ms", sa.BigInteger(), nullable=False),
        sa.Column("ready_ts_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_ts_ms", sa.BigInteger(), nullable=False),
        sa.Column("updated_ts_ms", sa.BigInteger(), nullable=False),
        sa.Column("claimed_ts_ms", sa.BigInteger()),
        sa.Column("finished_ts_ms", sa.BigInteger()),
        sa.Column("owner", sa.String(length=255)),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("claimed_position", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger()),
        sa.Column("error", sa.Text()),
        sa.Column("sealed_input", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_state", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("row", name=op.f("pk_jobs")),
        sa.UniqueConstraint("account_id", "job_id", name=op.f("uq_jobs_account_id_job_id")),
        sa.UniqueConstraint("account_id", "row", name=op.f("uq_jobs_account_id_row")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_jobs_account_id_token"), "jobs", ["account_id", "token"])
    op.create_index(op.f("ix_jobs_account_id_fence"), "jobs", ["account_id", "fence"])
    op.create_index(op.f("ix_jobs_state_ready_ts_ms"), "jobs", ["state", "ready_ts_ms"])
    op.create_index(op.f("ix_jobs_expires_ts_ms"), "jobs", ["expires_ts_ms"])
    op.create_index(op.f("ix_jobs_fence"), "jobs", ["fence"])
    op.create_table(
        "job_pages",
        sa.Column("account_id", sa.String(length=12), nullable=False),
        sa.Column("job_row", _ROW, autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        _of_job("job_pages"),
        sa.PrimaryKeyConstraint("account_id", "job_row", "number", name=op.f("pk_job_pages")),
    )
    op.create_table(
        "job_notices",
        sa.Column("account_id", sa.String(length=12), nullable=False),
        sa.Column("job_row", _ROW, autoincrement=False, nullable=False),
        sa.Column("created_ts_ms", sa.BigInteger(), nullable=False),
        sa.Column("due_ts_ms", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        _of_job("job_notices"),
        sa.PrimaryKeyConstraint("account_id", "job_row", name=op.f("pk_job_notices")),
    )
    op.create_index(op.f("ix_job_notices_due_ts_ms"), "job_notices", ["due_ts_ms"])


def downgrade() -> None:
    """Refuse: jobs that run, and results that nobody has fetched, would be lost."""
    raise NotImplementedError("jobs cannot be dropped")


def _of_job(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["account_id", "job_row"],
        ["jobs.account_id", "jobs.row"],
        name=op.f(f"fk_{table}_account_id_job_row"),
        ondelete="CASCADE",
    )
