"""Small pictures of faces."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_ROW = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "thumbnails",
        sa.Column("account_id", sa.String(length=12), nullable=False),
        sa.Column("face_row", _ROW, autoincrement=False, nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["face_row"], ["faces.row"], name=op.f("fk_thumbnails_face_row"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("account_id", "face_row", name=op.f("pk_thumbnails")),
    )
