"""Commands about single pictures pass the gate of a data directory that is named, and leave their use in its ledger."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from custodes.ledger.tlog.entry import decode
from tests.fakes.engine import Square, picture


@pytest.fixture
def photos(tmp_path: Path) -> list[str]:
    paths = [tmp_path / "a.jpg", tmp_path / "b.jpg"]
    for path in paths:
        path.write_bytes(picture(Square(1)))
    return [str(path) for path in paths]


def used(server: Any) -> list[str]:
    """Operations of all uses on record."""
    log = server.deployment.ledger.log
    size = log.flush().size
    kinds = [(index, decode(log.tree().entry(index)).kind) for index in range(size)]
    return [json.loads(log.body(index))["op"] for index, kind in kinds if kind == "use"]


def test_a_named_data_directory_has_the_use_on_record(live_server: Any, custodes: Any, photos: list[str]) -> None:
    for command, operation in (
        (["compare", *photos, "--json"], "CompareFaces"),
        (["analyze", photos[0], "--what", "faces", "--json"], "DetectFaces"),
        (["quality", photos[0], "--json"], "AssessFaceQuality"),
        (["liveness", photos[0], "--json"], "AssessLiveness"),
        (["persons", photos[0], "--json"], "DescribePersons"),
    ):
        done = custodes(*command)  # CUSTODES_DATA names the directory
        assert done.returncode == 0, done.stderr
        assert used(live_server)[-1] == operation
        assert "not on record" not in done.stderr and json.loads(done.stdout)
        told = custodes(*command[:-1])
        assert (told.returncode, told.stderr.count("unexpected")) == (0, 0), told.stderr
        assert "1 face" in told.stdout or operation in {"CompareFaces", "DescribePersons"}


def test_a_refusal_of_its_gate_is_one(live_server: Any, custodes: Any, photos: list[str]) -> None:
    made = json.loads(
        custodes("account", "create", "--name", "P", "--sector", "law-enforcement", "--country", "NL", "--json").stdout
    )
    key = {"AWS_ACCESS_KEY_ID": made["access_key_id"], "AWS_SECRET_ACCESS_KEY": made["secret_access_key"]}
    done = custodes("compare", *photos, "--data", str(live_server.data), **key)
    assert done.returncode == 1 and "police-moratorium.face-comparison" in done.stderr
