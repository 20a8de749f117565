"""When each face was enrolled, and for how long a collection keeps its faces.

When the faces that are there already were enrolled is not known. They count as enrolled now: the age of the collection
would have faces of yesterday erased as if they were years old, and what is erased does not come back.
"""

from __future__ import annotations

import time

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column with its index, and the table."""
    # Adding a column leaves the rows where they are; a table that is written anew would hand out old numbers again.
    op.add_column("faces", sa.Column("enrolled_ts_ms", sa.BigInteger(), server_default="0", nullable=False))
    faces = sa.table("faces", sa.column("enrolled_ts_ms", sa.BigInteger()))
    op.execute(faces.update().values(enrolled_ts_ms=time.time_ns() // 1_000_000))
    op.create_index(
        op.f("ix_faces_account_id_collection_row_enrolled_ts_ms"),
        "faces",
        ["account_id", "collection_row", "enrolled_ts_ms"],
        unique=False,
    )
    op.create_table(
        "retention_rules",
        sa.Column("account_id", sa.String(length=12), nullable=False),
        sa.Column(
            "collection_row", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id", "collection_row"],
            ["collections.account_id", "collections.row"],
            name=op.f("fk_retention_rules_account_id_collection_row"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "collection_row", name=op.f("pk_retention_rules")),
    )


def downgrade() -> None:
    """Refuse: the times would be lost."""
    raise NotImplementedError("the times of enrolment cannot be dropped")
