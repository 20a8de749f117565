"""Vectors of another model version beside those that are searched, and what ids of pictures go by afterwards."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table and the column."""
    op.add_column("collections", sa.Column("first_version", sa.String(length=64), nullable=True))
    op.create_table(
        "staged_vectors",
        sa.Column("account_id", sa.String(length=12), nullable=False),
        sa.Column(
            "face_row",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("model_version", sa.String(length=64), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["face_row"], ["faces.row"], name=op.f("fk_staged_vectors_face_row"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "face_row", name=op.f("pk_staged_vectors")),
    )


def downgrade() -> None:
    """Refuse: pictures of re-embedded collections would get other ids."""
    raise NotImplementedError("staged_vectors cannot be dropped")
