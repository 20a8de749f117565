"""The rules of a data directory from start to start: without a server, after an upgrade, when somebody edits them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from custodes.cli.policy.policy import app
from custodes.core.errors import CustodesError, UnavailableError
from custodes.deployment.server import Deployment, open_deployment
from custodes.gallery.exact import BruteForceIndex
from custodes.gallery.gallery import IndexedGallery
from custodes.settings import Settings
from tests.fakes.engine import SquareEngine
from tests.fakes.gallery import MemoryGalleryStore


@contextmanager
def opened(data: Path, **settings: Any) -> Iterator[Deployment]:
    """A server's parts on ``data``, without its listener."""
    gallery = IndexedGallery(MemoryGalleryStore(), BruteForceIndex)
    with open_deployment(
        Settings(data=data, region="eu-central-1", **settings),
        endpoint_url="http://127.0.0.1:1",
        engine=SquareEngine(),
        gallery=gallery,
    ) as deployment:
        yield deployment


def policy(data: Path, *arguments: str) -> str:
    more = [] if arguments[:2] == ("officer", "key") else ["--data", str(data)]
    done = CliRunner().invoke(app, [*arguments, *more])
    if isinstance(done.exception, CustodesError):
        return f"[{done.exception}]"
    assert done.exit_code == 0, done.output
    return done.output.strip()


def appointed(data: Path, folder: Path) -> None:
    keys = [policy(data, "officer", "key", name, "--out", str(folder / name)) for name in ("ann", "ben")]
    policy(data, "officer", "add", keys[0])
    proposal = str(folder / "proposal.json")
    policy(data, "officer", "add", keys[1], "--out", proposal)
    policy(data, "sign", proposal, "--key", str(folder / "ann"))
    assert "on record" in policy(data, "apply", proposal)


def test_rules_change_without_a_server_and_hold_when_it_starts(tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert "start a server" in policy(data, "status")
    with opened(data):
        pass
    appointed(data, tmp_path)
    tighter = str(tmp_path / "tighter.json")
    policy(data, "propose", "--enable", "uk-russia-sanctions", "--out", tighter)
    policy(data, "sign", tighter, "--key", str(tmp_path / "ben"))
    assert "in force now" in policy(data, "apply", tighter)
    with opened(data):
        assert "uk-russia-sanctions" in json.loads(policy(data, "status", "--json"))["packs"]


def test_the_notice_is_a_setting_until_officers_are_appointed(tmp_path: Path) -> None:
    data = tmp_path / "data"
    for days in (14, 30):
        with opened(data, policy_notice_days=days):
            assert json.loads(policy(data, "status", "--json"))["notice_days"] == days
    appointed(data, tmp_path)
    with opened(data, policy_notice_days=0):
        assert json.loads(policy(data, "status", "--json"))["notice_days"] == 30


def test_a_server_does_not_start_on_rules_that_were_edited(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with opened(data):
        pass
    path = next((data / "policy" / "sets").glob("*.json"))
    path.write_text(path.read_text().replace("2028-01-01", "2020-01-01"))
    with pytest.raises(UnavailableError, match="was changed"), opened(data):
        pass
    assert "was changed" in policy(data, "status")
