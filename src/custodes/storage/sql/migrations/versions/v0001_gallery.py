"""Collections, faces, users, tags, idempotent replies and their keys.

A migration is history: it spells the tables out as they were at its time and imports nothing that may change.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _row_type() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables."""
    _create_collections()
    _create_replies()
    _create_secrets()
    _create_collection_keys()
    _create_tags()
    _create_users()
    _create_faces()


def downgrade() -> None:
    """Refuse: dropping the tables would drop the galleries."""
    raise NotImplementedError("the first migration cannot be undone")


def _create_collections() -> None:
    op.create_table(
        "collections",
        sa.Column("row", _row_type(), autoincrement=True, nullable=False),
        sa.Column("account_id", sa.String(length=12), nullable=False),
        sa.Column("collection_id", sa.String(length=255), nullable=False),
        sa.Column("model_version", sa.String(length=64), nullable=False),
        sa.Column("dimension", sa.Integer(), nullable=False),
        sa.Column("created_ts_ms", sa.BigInteger(), nullable=False),
        sa.Column("face_count", sa.BigInteger(), nullable=False),
        sa.Column("user_count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("row", name=op.f("pk_collections")),
        sa.UniqueConstraint("account_id", "collection_id", name=op.f("uq_collections_account_id_collection_id")),
        sa.UniqueConstraint("account_id", "row", name=op.f("uq_collections_account_id_row")),
        sqlite_autoincrement=True,
    )


def _create_replies() -> None:
    op.create_table(
        "replies",
        sa.Column("account_id", sa.String(length=12), nullable=False),
        sa.Column("operation", sa.String(length=64), nullable=False),
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("input_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("ts_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "operation", "token", name=op.f("pk_replies")),
    )
    op.create_index(op.f("ix_replies_ts_ms"), "replies", ["ts_ms"], unique=False)


def _create_secrets() -> None:
    op.create_table(
        "secrets",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_secrets")),
    )


def _create_collection_keys() -> None:
    op.create_table(
        "collection_keys",
        sa.Column("account_id", sa.String(length=12), nullable=False),
        sa.Column("collection_row", _row_type(), autoincrement=False, nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id", "collection_row"],
            ["collections.account_id", "collections.row"],
            name=op.f("fk_collection_keys_account_id_collection_row"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "collection_row", name=op.f("pk_collection_keys")),
    )


def _create_tags() -> None:
    op.create_table(
        "tags",
        sa.Column("account_id", sa.String(length=12), nullable=False),
        sa.Column("collection_row", _row_type(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("value", sa.String(length=256), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id", "collection_row"],
            ["collections.account_id", "collections.row"],
            name=op.f("fk_tags_account_id_collection_row"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "collection_row", "name", name=op.f("pk_tags")),
    )


def _create_users() -> None:
    op.create_table(
        "users",
        sa.Column("row", _row_type(), autoincrement=True, nullable=False),
        sa.Column("account_id", sa.String(length=12), nullable=False),
        sa.Column("collection_row", _row_type(), nullable=False),
        sa.Column("user_id", sa.String(length=128), nullable=False),
        sa.Column("face_count", sa.Integer(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id", "collection_row"],
            ["collections.account_id", "collections.row"],
            name=op.f("fk_users_account_id_collection_row"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("row", name=op.f("pk_users")),
        sa.UniqueConstraint(
            "account_id", "collection_row", "user_id", name=op.f("uq_users_account_id_collection_row_user_id")
        ),
        sa.UniqueConstraint("account_id", "row", name=op.f("uq_users_account_id_row")),
        sqlite_autoincrement=True,
    )


def _create_faces() -> None:
    op.create_table(
        "faces",
        sa.Column("row", _row_type(), autoincrement=True, nullable=False),
        sa.Column("account_id", sa.String(length=12), nullable=False),
        sa.Column("collection_row", _row_type(), nullable=False),
        sa.Column("face_id", sa.String(length=36), nullable=False),
        sa.Column("image_id", sa.String(length=36), nullable=False),
        sa.Column("external_image_id", sa.String(length=255), nullable=True),
        sa.Column("left", sa.Double(), nullable=False),
        sa.Column("top", sa.Double(), nullable=False),
        sa.Column("width", sa.Double(), nullable=False),
        sa.Column("height", sa.Double(), nullable=False),
        sa.Column("confidence_pct", sa.Double(), nullable=False),
        sa.Column("model_version", sa.String(length=64), nullable=False),
        sa.Column("user_row", _row_type(), nullable=True),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id", "collection_row"],
            ["collections.account_id", "collections.row"],
            name=op.f("fk_faces_account_id_collection_row"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "user_row"], ["users.account_id", "users.row"], name=op.f("fk_faces_account_id_user_row")
        ),
        sa.PrimaryKeyConstraint("row", name=op.f("pk_faces")),
        sa.UniqueConstraint(
            "account_id", "collection_row", "face_id", name=op.f("uq_faces_account_id_collection_row_face_id")
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_faces_account_id_collection_row_image_id"),
        "faces",
        ["account_id", "collection_row", "image_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_faces_account_id_collection_row_row"), "faces", ["account_id", "collection_row", "row"], unique=False
    )
    op.create_index(op.f("ix_faces_account_id_user_row"), "faces", ["account_id", "user_row"], unique=False)
