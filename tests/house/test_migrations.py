"""Migrations stand in one line: two that follow the same one would leave a database with no newest schema."""

from __future__ import annotations

from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory

MIGRATIONS = Path(__file__).parents[2] / "src/custodes/storage/sql/migrations"


def test_every_migration_follows_another_one() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    scripts = list(ScriptDirectory.from_config(config).walk_revisions())
    before = [script.down_revision for script in scripts]
    assert len(set(before)) == len(before), "give the later one the next number, and the earlier one as its predecessor"
    assert len(scripts) == len(list((MIGRATIONS / "versions").glob("v*.py")))
