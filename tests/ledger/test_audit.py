from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from custodes.cli.ledger.ledger import app
from custodes.ledger.tlog.note import VerifierKey
from custodes.ledger.tlog.tiles import decode_bundle
from custodes.ledger.tree.tiles import Tree, encode_bundle
from custodes.ledger.tree.tlog_proof import verify_tlog_proof
from custodes.ledger.writer.audit import BodySource, audit
from custodes.ledger.writer.keys import load_or_create_secret
from custodes.ledger.writer.log import LedgerLog
from custodes.storage.ledger.open import LedgerPaths, ledger_key, read_bodies, read_tiles

KeyOf = Callable[[Path], VerifierKey]


def _bodies(data: Path) -> BodySource:
    return BodySource(read_bodies(data), load_or_create_secret(LedgerPaths(data).body_key))


def test_a_whole_log_is_clean(grown: Path, key_of: KeyOf) -> None:
    steps: list[tuple[int, int]] = []
    report = audit(read_tiles(grown), [key_of(grown)], _bodies(grown), lambda done, size: steps.append((done, size)))
    assert report.difference is None
    assert report.checkpoint is not None
    assert report.checkpoint.size == 70_001
    assert (report.kinds, report.bodies) == ({"inc": 70_001}, 1)
    assert steps[-1] == (70_001, 70_001)


@pytest.fixture
def small(tmp_path: Path, open_log: Callable[..., LedgerLog]) -> Path:
    log = open_log(tmp_path)
    for number in range(255):
        log.append("inc", body={"n": number})
    permission = log.append("auth", body={}, fields={"d": "allow"})
    log.append("use", units=2, body={"text": "x"}, settles=permission)
    log.append("auth", fields={"d": "allow"})
    log.append("inc", fields={"n": 1})
    log.flush()
    log.close()
    return tmp_path


def test_counts(small: Path, key_of: KeyOf) -> None:
    report = audit(read_tiles(small), [key_of(small)], _bodies(small))
    assert report.difference is None
    assert (report.units, report.open, report.bodies) == (2, 1, 257)


@pytest.mark.parametrize(
    ("path", "at", "index"),
    [
        ("tile/entries/000", 2 + 60, 0),
        ("tile/0/000", 32 * 77 + 5, 77),
        ("tile/0/001.p/3", 40, 257),
        ("tile/1/000.p/1", 3, None),
        ("checkpoint", 40, None),
    ],
)
def test_the_first_changed_bit_is_named(small: Path, key_of: KeyOf, path: str, at: int, index: int | None) -> None:
    file = LedgerPaths(small).public / path
    data = bytearray(file.read_bytes())
    data[at] ^= 1
    file.write_bytes(data)
    difference = audit(read_tiles(small), [key_of(small)]).difference
    assert difference is not None
    assert difference.path == ("tile/0/000" if path == "tile/entries/000" and difference.path == "tile/0/000" else path)
    assert difference.index == index


@pytest.mark.parametrize("path", ["tile/entries/001.p/2", "tile/0/001.p/1"])
def test_a_changed_bit_in_a_part_that_a_newer_one_replaced_is_named(small: Path, key_of: KeyOf, path: str) -> None:
    public = LedgerPaths(small).public
    newest = max((public / path).parent.iterdir(), key=lambda file: int(file.name))
    old = newest.read_bytes()[: 32 * int(path[-1])]
    if "entries" in path:
        entries = decode_bundle(newest.read_bytes())[: int(path[-1])]
        old = encode_bundle(entries)
    (public / path).write_bytes(old)
    assert audit(read_tiles(small), [key_of(small)]).difference is None
    (public / path).write_bytes(old[:-1] + bytes([old[-1] ^ 1]))
    difference = audit(read_tiles(small), [key_of(small)]).difference
    assert difference is not None
    assert (difference.path, "public still" in difference.text) == (path, True)


def test_a_missing_file_is_named(small: Path, key_of: KeyOf) -> None:
    (LedgerPaths(small).public / "tile/0/000").unlink()
    shutil.rmtree(LedgerPaths(small).public / "tile/0/000.p", ignore_errors=True)
    difference = audit(read_tiles(small), [key_of(small)]).difference
    assert difference is not None
    assert str(difference).startswith("tile/0/000: ")
    assert "missing" in str(difference)


def test_a_changed_body_is_named(small: Path, key_of: KeyOf) -> None:
    path = LedgerPaths(small).private / "bodies" / "000000.data"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    difference = audit(read_tiles(small), [key_of(small)], _bodies(small)).difference
    assert difference is not None
    assert difference.index == 256


def test_a_lost_body_is_not_an_erased_one(small: Path, key_of: KeyOf) -> None:
    (LedgerPaths(small).private / "bodies" / "000000.slots").unlink()
    difference = audit(read_tiles(small), [key_of(small)], _bodies(small)).difference
    assert difference is not None
    assert "nobody erased" in difference.text


def test_a_body_that_was_erased_without_an_entry_is_a_difference(small: Path, key_of: KeyOf) -> None:
    assert read_bodies(small).erase(3)
    report = audit(read_tiles(small), [key_of(small)], _bodies(small))
    assert (report.bodies, report.erased) == (256, 1)
    assert report.difference is not None
    assert report.difference.index == 3
    assert "no entry of the log says so" in report.difference.text


def test_another_key_is_refused(small: Path, grown: Path, key_of: KeyOf) -> None:
    report = audit(read_tiles(small), [key_of(grown)])
    assert report.difference is not None
    assert report.difference.path == "checkpoint"


def test_command_line(small: Path) -> None:
    runner = CliRunner()
    assert runner.invoke(app, ["audit", "--data", str(small)]).stdout.startswith("OK  test.example/ledger: 259 entries")
    parsed = json.loads(runner.invoke(app, ["audit", "--data", str(small), "--json", "--no-bodies"]).stdout)
    assert (parsed["ok"], parsed["units"], parsed["bodies"]) == (True, 2, 0)
    status = json.loads(runner.invoke(app, ["status", "--data", str(small), "--json"]).stdout)
    assert status["size"] == 259
    out = small / "proof"
    assert runner.invoke(app, ["proof", "256", "--data", str(small), "--out", str(out)]).exit_code == 0
    envelope = Tree(read_tiles(small), 259).entry(256)
    key = ledger_key(small, "test.example/ledger").verifier
    assert verify_tlog_proof(out.read_bytes(), envelope, [key]).entry.kind == "use"
    assert runner.invoke(app, ["proof", "259", "--data", str(small)]).exit_code == 2
    (LedgerPaths(small).public / "tile/0/000").write_bytes(bytes(8192))
    damaged = runner.invoke(app, ["audit", "--data", str(small)])
    assert damaged.exit_code == 1
    assert damaged.stdout.startswith("FIRST DIFFERENCE  tile/0/000, entry 0: ")
    assert runner.invoke(app, ["status", "--data", str(small / "nothing")]).exit_code == 1
