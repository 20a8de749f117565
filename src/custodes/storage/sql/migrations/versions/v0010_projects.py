"""Projects of custom labels: records, entries of datasets, parts of versions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_ROW = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_PLACE = ("account_id", "kind", "name")


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "project_records",
        *_place(),
        sa.Column("project", sa.String(length=255), nullable=False),
        sa.Column("created_ts_ms", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint(*_PLACE, name=op.f("pk_project_records")),
    )
    op.create_index(
        op.f("ix_project_records_account_id_kind_project"), "project_records", ["account_id", "kind", "project"]
    )
    op.create_table(
        "dataset_entries",
        sa.Column("row", _ROW, autoincrement=True, nullable=False),
        *_place(),
        sa.Column("source_digest", sa.LargeBinary(), nullable=False),
        sa.Column("labeled", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        _of_record("dataset_entries"),
        sa.PrimaryKeyConstraint("row", name=op.f("pk_dataset_entries")),
        sa.UniqueConstraint(
            *_PLACE, "source_digest", name=op.f("uq_dataset_entries_account_id_kind_name_source_digest")
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_dataset_entries_account_id_kind_name_row"), "dataset_entries", [*_PLACE, "row"])
    op.create_table(
        "version_parts",
        *_place(),
        sa.Column("part", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        _of_record("version_parts"),
        sa.PrimaryKeyConstraint(*_PLACE, "part", name=op.f("pk_version_parts")),
    )


def downgrade() -> None:
    """Refuse: trained versions would be lost."""
    raise NotImplementedError("projects cannot be dropped")


def _place() -> list[sa.Column[str]]:
    return [
        sa.Column("account_id", sa.String(length=12), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=640), nullable=False),
    ]


def _of_record(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        _PLACE,
        [f"project_records.{column}" for column in _PLACE],
        name=op.f(f"fk_{table}_account_id_kind_name"),
        ondelete="CASCADE",
    )
