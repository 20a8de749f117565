"""``custodes user|key|role|collection`` on a data directory that no server runs on: what they print and what stays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from custodes.cli.main import app
from custodes.core.errors import CustodesError

LIST = {
    "Version": "2012-10-17",
    "Statement": {"Effect": "Allow", "Action": "rekognition:ListCollections", "Resource": "*"},
}
TRUST = {
    "Version": "2012-10-17",
    "Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}},
}
GRANT = {
    "Version": "2012-10-17",
    "Statement": {"Effect": "Deny", "Principal": "*", "Action": "rekognition:DeleteFaces", "Resource": "*"},
}


class Shell:
    """Our command on one data directory."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.remarks = ""  # what the last one printed on standard error

    def __call__(self, *arguments: str, stdin: object = None) -> str:
        done = CliRunner().invoke(
            app, [*arguments, "--data", str(self.data)], input=None if stdin is None else json.dumps(stdin)
        )
        if isinstance(done.exception, CustodesError):
            raise done.exception
        assert done.exit_code == 0, done.output
        self.remarks = done.stderr
        return done.stdout

    def json(self, *arguments: str, stdin: object = None) -> Any:
        return json.loads(self(*arguments, "--json", stdin=stdin))


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    made = Shell(tmp_path / "data")
    made("account", "create", "--name", "Example B.V.", "--sector", "retail", "--country", "NL")
    return made


def test_users_and_keys(shell: Shell) -> None:
    ann = shell.json("user", "create", "ann", "--tag", "team=red", "--tag", "desk=7")
    assert ann["tags"] == {"team": "red", "desk": "7"}
    assert ann["arn"] == f"arn:aws:iam::{ann['account_id']}:user/ann"
    shell("user", "policy", "put", "ann", "list", "--file", "-", stdin=LIST)
    assert shell("user", "policy", "list", "ann") == "list\n"
    assert json.loads(shell("user", "policy", "get", "ann", "list")) == LIST
    key = shell.json("key", "create", "--user", "ann")
    text = shell("key", "rotate", key["access_key_id"])
    fresh = text.split()[2]
    assert fresh.startswith("AKCU") and key["access_key_id"] not in text
    assert "disabled" in shell("key", "disable", fresh)
    listed = shell("key", "list", "--user", "ann")
    assert fresh in listed and "disabled" in listed and "never used" in listed
    shell("key", "enable", fresh)
    shell("key", "delete", fresh)
    assert shell.json("key", "list", "--user", "ann") == []
    shell("user", "policy", "delete", "ann", "list")
    shell("user", "delete", "ann")
    assert shell.json("user", "list") == []


def test_roles_and_collections(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "trust.json"
    file.write_text(json.dumps(TRUST))
    made = shell.json("role", "create", "Reader", "--trust", str(file), "--max-session-s", "7200", "--tag", "a=b")
    assert (made["max_session_s"], made["tags"]) == (7200, {"a": "b"})
    assert json.loads(shell.json("role", "show", "Reader")["trust"]) == TRUST
    shell("role", "policy", "put", "Reader", "list", "--file", "-", stdin=LIST)
    assert shell.json("role", "policy", "list", "Reader") == ["list"]
    named = {**TRUST, "Statement": {**TRUST["Statement"], "Principal": {"AWS": made["account_id"]}}}  # type: ignore[dict-item]
    shell("role", "trust", "Reader", "--trust", "-", stdin=named)
    assert json.loads(shell.json("role", "show", "Reader")["trust"]) == named
    shell("collection", "policy", "put", "people", "--file", "-", stdin=GRANT)
    assert json.loads(shell("collection", "policy", "get", "people")) == GRANT
    shell("collection", "policy", "delete", "people")
    shell("role", "delete", "Reader")
    assert shell("role", "list") == ""
    assert shell.remarks == "custodes: there are none\n"


def test_another_account_is_named_and_mistakes_are_told(shell: Shell) -> None:
    (customer,) = (each["account_id"] for each in shell.json("account", "list") if each["kind"] == "customer")
    shell("user", "create", "bob", "--account", customer)
    assert [each["user"] for each in shell.json("user", "list", "--account", customer)] == ["bob"]
    assert shell.json("user", "list") == []
    for arguments in (
        ("user", "create", "bob", "--account", customer),
        ("user", "create", "root"),
        ("user", "create", "x", "--tag", "no-equals-sign"),
        ("user", "policy", "get", "bob", "none", "--account", customer),
        ("key", "delete", "AKCUNOTHERE"),
        ("account", "show", "999999999999"),
    ):
        with pytest.raises(CustodesError):
            shell(*arguments)
    with pytest.raises(CustodesError, match="not understood"):
        shell("collection", "policy", "put", "people", "--file", "-", stdin=LIST)
