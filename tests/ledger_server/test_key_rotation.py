"""A new key for the log: handed over in the log, and everything that was signed before still verifies."""

from __future__ import annotations

import json
import resource
from pathlib import Path
from typing import Any

import pytest

from custodes.core.errors import UnavailableError
from custodes.deployment.administration import carry_out_here
from custodes.ledger.tlog.entry import decode
from custodes.ledger.tlog.note import VerifierKey
from custodes.ledger.tlog.trust import open_trusted, parse_policy
from custodes.ledger.tree.tiles import Tree
from custodes.ledger.writer.keys import check_rotation
from custodes.settings import Settings
from custodes.storage.ledger.open import read_tiles
from tests.fakes.command import custodes
from tests.fakes.engine import Square, picture
from tests.fakes.process import serving


def done(*arguments: str) -> str:
    answer = custodes(*arguments)
    assert answer.returncode == 0, answer.stderr + answer.stdout
    return answer.stdout


def verdict(file: Path, policy: Path) -> str:
    return custodes("statement", "verify", str(file), "--trust", str(policy)).stdout.split()[0]


def statement(data: Path, account: str, out: Path) -> Path:
    done("statement", "create", "--account", account, "--out", str(out), "--data", str(data))
    return out


def rotate_key(data: Path) -> int:
    index: int = carry_out_here(Settings(data=data), "ledger rotate-key", {})["index"]
    return index


def detect(server: Any) -> None:
    server.client().detect_faces(Image={"Bytes": picture(Square(1))})


def test_old_and_new_statements_verify_after_a_rotation(tmp_path: Path) -> None:
    data, policy = tmp_path / "data", tmp_path / "data" / "trust.policy"
    with serving(data) as server:
        detect(server)
        account = (data / "account").read_text().strip()
        old = statement(data, account, tmp_path / "old.json")
        refused = custodes("ledger", "rotate-key", "--data", str(data))
        assert (refused.returncode, refused.stdout) == (1, ""), "not while the server runs"
        assert server.stop() == 0
    first = VerifierKey.parse((data / "ledger.pub").read_text())
    before = tmp_path / "before.policy"
    before.write_bytes(policy.read_bytes())

    index = int(done("ledger", "rotate-key", "--data", str(data)).split()[1])
    done("ledger", "audit", "--data", str(data))
    second = VerifierKey.parse((data / "ledger.pub").read_text())
    assert second.public != first.public
    tree = Tree(read_tiles(data), index + 1)
    entry = decode(next(envelope for at, envelope in tree.entries() if at == index))
    assert check_rotation(first, entry.fields) == second, "who trusts the first key can follow to the second"
    assert (data / "keys" / "ledger.key").stat().st_mode & 0o777 == 0o600
    assert not (data / "keys" / "ledger-next.key").exists()

    with serving(data) as server:
        detect(server)
        new = statement(data, account, tmp_path / "new.json")
        assert server.stop() == 0
    done("ledger", "audit", "--data", str(data))
    assert json.loads(done("ledger", "status", "--json", "--data", str(data)))["size"] > index
    assert verdict(old, policy) == verdict(new, policy) == "PRESENT"
    assert verdict(old, before) == "PRESENT"
    assert verdict(new, before) == "INVALID", "the old key says nothing about what the new one signs"


def test_a_rotation_that_was_cut_short_is_finished_with_the_same_key(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with serving(data) as server:
        assert server.stop() == 0
    policy = data / "trust.policy"
    text = policy.read_text()
    policy.write_text("not a policy\n")
    with pytest.raises(UnavailableError, match="trust policy"):
        rotate_key(data)
    assert not (data / "keys" / "ledger-next.key").exists(), "nothing was begun"
    # Longer than this process may write a file, while the files of the log are not: only the last step fails.
    policy.write_text(text + "# a note of the operator\n" * 1_000)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            rotate_key(data)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (data / "keys" / "ledger-next.key").exists()
    with serving(data) as server:
        detect(server)
        assert server.stop() == 0
    waiting = (data / "keys" / "ledger-next.key").read_bytes()
    index = rotate_key(data)
    assert (data / "keys" / "ledger.key").read_bytes() == waiting
    note = read_tiles(data).get("checkpoint")
    assert note is not None
    size = open_trusted(note, parse_policy(policy.read_bytes())).checkpoint.size
    kinds = [decode(envelope).kind for _, envelope in Tree(read_tiles(data), size).entries()]
    assert (kinds.count("key"), kinds[index]) == (1, "key")
    rotate_key(data)
    assert len(parse_policy(policy.read_bytes()).logs) == 3
    assert len((data / "ledger-old.pub").read_text().splitlines()) == 2


def test_there_must_be_a_ledger(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="no ledger"):
        rotate_key(tmp_path)
