"""The migrations lead to the schema, are safe to repeat, and refuse a newer database."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from custodes.core.errors import UnavailableError
from custodes.storage.sql.schema import METADATA
from custodes.storage.sql.sqlite_database import FILE_NAME, SqliteDatabase
from tests.fakes.directories import raw


def test_migrations_and_schema_agree(tmp_path: Path) -> None:
    SqliteDatabase.open(tmp_path).close()
    SqliteDatabase.open(tmp_path).close()
    engine = create_engine(f"sqlite:///{tmp_path / FILE_NAME}")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
        found = inspect(connection)
        for table in METADATA.tables.values():
            assert [column["name"] for column in found.get_columns(table.name)] == [column.name for column in table.c]
    engine.dispose()


def test_tables_are_written_as_the_schema_writes_them(tmp_path: Path) -> None:
    """Alembic's comparison overlooks AUTOINCREMENT, so the statements themselves are compared."""
    SqliteDatabase.open(tmp_path).close()
    engine = create_engine("sqlite://")
    with raw(tmp_path) as connection:
        for table in METADATA.sorted_tables:
            query = "SELECT sql FROM sqlite_master WHERE name = ?"
            (stored,) = connection.execute(query, [table.name]).fetchone()
            assert sorted(_parts(stored)) == sorted(_parts(str(CreateTable(table).compile(engine))))
    engine.dispose()


def _parts(statement: str) -> list[str]:
    # A column that a migration added stands on the line of the one before it.
    lines = re.sub(r", (?=[a-z_]+ [A-Z])", ",\n", statement).strip().splitlines()
    return [line.strip().rstrip(",") for line in lines]


def test_the_schema_exists_in_postgresql_too() -> None:
    for table in METADATA.sorted_tables:
        assert "CREATE TABLE" in str(CreateTable(table).compile(dialect=postgresql.dialect()))


def test_faces_from_before_there_were_times_count_as_enrolled_at_the_upgrade(tmp_path: Path) -> None:
    SqliteDatabase.open(tmp_path).close()
    with raw(tmp_path) as connection:
        first = {"secrets", "collections", "collection_keys", "users", "faces", "tags", "replies"}
        for table in reversed(METADATA.sorted_tables):
            if table.name not in first:
                connection.execute(f"DROP TABLE {table.name}")
        connection.execute("DROP INDEX ix_faces_account_id_collection_row_enrolled_ts_ms")
        connection.execute("ALTER TABLE faces DROP COLUMN enrolled_ts_ms")
        for column in ("version", "known_from", "first_version"):
            connection.execute(f"ALTER TABLE collections DROP COLUMN {column}")
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
        connection.execute("INSERT INTO collections VALUES (1, '123456789012', 'people', '1', 8, 5, 1, 0)")
        connection.execute(
            "INSERT INTO faces VALUES (7, '123456789012', 1, 'f', 'i', NULL, 0, 0, 1, 1, 99, '1', NULL, x'00', x'00')"
        )
    before = time.time_ns() // 1_000_000
    SqliteDatabase.open(tmp_path).close()
    with raw(tmp_path) as connection:
        ((row, enrolled),) = connection.execute('SELECT "row", enrolled_ts_ms FROM faces').fetchall()
    assert row == 7
    assert before <= enrolled <= time.time_ns() // 1_000_000


def test_every_table_but_the_operators_own_is_keyed_by_account() -> None:
    for table in METADATA.sorted_tables:
        if table.name not in ("secrets", "stream_sources"):
            uniques = [list(unique.columns) for unique in table.constraints if hasattr(unique, "columns")]
            assert any(columns and columns[0].name == "account_id" for columns in uniques), table.name


def test_a_database_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    SqliteDatabase.open(tmp_path).close()
    with raw(tmp_path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    for _ in range(2):
        with pytest.raises(UnavailableError, match="a newer version wrote it"):
            SqliteDatabase.open(tmp_path)


def test_commits_are_durable_by_configuration(tmp_path: Path) -> None:
    database = SqliteDatabase.open(tmp_path)
    try:
        for pragma, value in (("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("secure_delete", 1)):
            found = database.write(lambda connection, p=pragma: connection.exec_driver_sql(f"PRAGMA {p}").scalar_one())
            assert found == value, pragma
    finally:
        database.close()
