"""Commands of the operator: every one leaves an entry that names who asked and the request."""

from __future__ import annotations

import getpass
import importlib
import json
import os
import pkgutil
import socket
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

import custodes.operations
from custodes.cli.client.administration import ask
from custodes.core.errors import CustodesError, InvalidParameterError, NotFoundError
from custodes.ledger.tlog.entry import decode
from custodes.operations.requests.admin import AdminCommand
from tests.fakes.live import LiveServer

for module in pkgutil.walk_packages(custodes.operations.__path__, "custodes.operations."):
    importlib.import_module(module.name)


def commands(kind: type[AdminCommand] = AdminCommand) -> Iterator[type[AdminCommand]]:
    for found in kind.__subclasses__():
        yield from commands(found)
        if "operation" in found.__dict__:
            yield found


# The least that each command must be given; whether it can then be done is another matter.
MEMBERS: Mapping[str, Mapping[str, object]] = {
    "account create": {"profile": {"legal_name": "Example B.V.", "sector": "retail", "country": "NL"}},
    "console link": {},
    "ledger show": {},
    "ledger entries": {"limit": 3},
    "ledger entry": {"index": 0},
    "ledger uses": {"since_ms": 0},
    "statement create": {"account": "999999999999"},
    "billing preview": {"month": "2020-01"},
    "billing invoice": {"month": "2020-01", "account": "999999999999"},
    "billing invoices": {"month": "2020-01"},
    "statement moratorium": {"sector": "law-enforcement", "rule": "police-moratorium.face-comparison"},
    "statement stamps": {"statement": "{}"},
    "report ai-act": {"account": "999999999999", "declared": {"status": "active"}},
    "erasure certificate": {"face": "f"},
    "policy status": {},
    "policy history": {},
    "policy explain": {"index": 0},
    "server show": {},
    "account list": {},
    "account show": {"account": "999999999999"},
    "account update": {"account": "999999999999"},
    "account activate": {"account": "999999999999"},
    "account suspend": {"account": "999999999999"},
    "account close": {"account": "999999999999"},
    "user create": {"user": "ann"},
    "user list": {},
    "user delete": {"user": "bob"},
    "key create": {},
    "key list": {},
    "key rotate": {"key": "AKNONE"},
    "key enable": {"key": "AKNONE"},
    "key disable": {"key": "AKNONE"},
    "key delete": {"key": "AKNONE"},
    "role create": {"role": "R", "trust": "{}"},
    "role list": {},
    "role show": {"role": "R"},
    "role trust": {"role": "R", "trust": "{}"},
    "role delete": {"role": "R"},
    "document put": {"owner": "collection/people", "name": "p", "text": "{}"},
    "document get": {"owner": "collection/people", "name": "p"},
    "document delete": {"owner": "collection/people", "name": "p"},
    "document list": {"owner": "collection/people"},
    "screening list": {},
    "screening show": {"account": "999999999999"},
    "screening put": {"account": "999999999999", "path": "/nowhere"},
    "screening refresh": {},
    "screening decide": {"finding": "f", "call": "false", "officer": "ann", "reason": "x"},
    "screening officer list": {},
    "screening officer add": {"name": "ann", "public": "00" * 32},
    "screening officer remove": {"name": "ann"},
    "policy apply": {"proposal": {}},
    "policy propose": {"packs": ["baseline"]},
    "policy examine": {"proposal": {}},
    "retention set": {"collection": "people", "days": 30},
    "retention list": {},
    "sanctions commit": {},
    "ledger head": {},
    "ledger party-head": {},
    "ledger change-vrf-key": {},
    "ledger vrf-key-change": {"index": 0},
    "ledger destroy-bodies": {"account": "999999999999", "before_ms": 1, "reason": "x", "rule": "r"},
    "billing run": {"month": "2020-01"},
    "case decide": {
        "account": "999999999999",
        "case": "c",
        "reference": "1",
        "issuer": "Court",
        "date": "2026-01-01",
    },
    "case list": {},
    "backup": {"folder": "/nowhere/a", "keys": "/nowhere/b"},
    "incident list": {},
    "incident acknowledge": {"index": 0, "reason": "looked at"},
    "screening explain": {"account": "999999999999"},
    "screening status": {},
    "job list": {},
    "stream list": {},
    "stream source list": {},
    "stream destination list": {},
    "stream destination set": {"name": "hook", "url": "https://hook.example/"},
    "stream destination remove": {"name": "hook"},
    "stream source set": {"arn": "arn:aws:kinesisvideo:us-east-1:1:stream/a/1", "url": "rtsp://camera.example/1"},
    "stream source remove": {"arn": "arn:aws:kinesisvideo:us-east-1:1:stream/a/1"},
    "job show": {"job_id": "f" * 64},
    "job cancel": {"job_id": "f" * 64},
    "labels erase": {"source_sha256": "f" * 64},
    "ledger rotate-key": {},
    "witness ask": {},
    "celebrities put": {"people": [{"celebrity_id": "Q1", "name": "Ann"}]},
    "celebrities list": {},
    "celebrities drop": {"celebrity_ids": ["Q1"]},
}


def test_every_command_is_tried() -> None:
    assert {found.operation for found in commands()} == MEMBERS.keys()


def entries(server: LiveServer, start: int = 0) -> list[tuple[str, Mapping[str, Any]]]:
    """Kinds with bodies, from an index on; an empty body where there is none."""
    assert server.deployment.ledger is not None
    log = server.deployment.ledger.log
    size = log.flush().size
    found = []
    for index in range(start, size):
        entry = decode(log.tree().entry(index))
        found.append((entry.kind, json.loads(log.body(index)) if entry.commitment is not None else {}))
    return found


def test_every_command_leaves_an_entry_that_names_actor_and_request(live_server: LiveServer) -> None:
    actor, seen = f"os:{getpass.getuser()}", set()
    for operation, members in MEMBERS.items():
        start = len(entries(live_server))
        with suppress(CustodesError):  # on record all the same
            ask(live_server.data, operation, **members)
        (kind, first), *more = entries(live_server, start)
        assert (kind, first["op"], first["actor"], first["d"]) == ("adm", operation, actor, "allow")
        assert first["acct"] == members.get("account", "")
        assert first["request_id"] not in seen
        seen.add(first["request_id"])
        for kind, body in more:
            if kind in ("acc", "org", "pol", "list", "scr"):
                assert (body["actor"], body["request_id"]) == (actor, first["request_id"]), (operation, kind)


def test_uses_are_counted_as_they_come(live_server: LiveServer, rekognition: Any) -> None:
    def counted(since_ms: int) -> Mapping[tuple[str, str], int]:
        found = ask(live_server.data, "ledger uses", since_ms=since_ms)["uses"]
        return {(one["operation"], one["code"]): one["count"] for one in found}

    rekognition.list_collections()
    live_server.deployment.ledger.log.flush()  # what is published is counted
    assert counted(0) == {("ListCollections", "Done"): 1}
    rekognition.list_collections()
    with pytest.raises(ClientError):
        rekognition.describe_collection(CollectionId="nowhere")
    live_server.deployment.ledger.log.flush()
    assert counted(0) == {("ListCollections", "Done"): 2, ("DescribeCollection", "NotFoundError"): 1}
    assert counted(1 << 45) == {}
    assert counted(0)["ListCollections", "Done"] == 2


def test_a_retention_rule_is_on_record(live_server: LiveServer, rekognition: Any) -> None:
    rekognition.create_collection(CollectionId="people")
    start = len(entries(live_server))
    rules = ask(live_server.data, "retention set", collection="people", days=30)["rules"]
    assert [rule["days"] for rule in rules] == [30]
    [(kind, body)] = entries(live_server, start)
    assert (kind, body["op"]) == ("adm", "retention set") and body["actor"].startswith("os:") and body["request_id"]


def test_what_comes_over_the_socket_is_checked_and_refused_in_words(live_server: LiveServer) -> None:
    data = live_server.data
    for members in ({}, {"user": 1}, {"user": "ann", "tags": [1]}, {"user": "ann", "wings": True}):
        with pytest.raises(InvalidParameterError):
            ask(data, "user create", **members)
    with pytest.raises(InvalidParameterError, match="does not know how to 'fly'"):
        ask(data, "fly")
    with pytest.raises(NotFoundError, match="999999999999"):
        ask(data, "account show", account="999999999999")


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"POST /account/list HTTP/1.1\r\ncontent-length: 99999999\r\n\r\n", b"at most"),
        (b"POST /account/list HTTP/1.1\r\ncontent-length: 3\r\n\r\n[1]", b"JSON object"),
        (b"GET /account/list HTTP/1.1\r\n\r\n", b"501"),
    ],
)
def test_what_is_no_command_is_no_harm(live_server: LiveServer, head: bytes, words: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(os.path.realpath(live_server.data / "admin.sock"))
        connection.sendall(head)
        assert words in connection.makefile("rb").read()


def test_the_socket_is_for_its_owner_and_gone_with_the_server(tmp_path: Path) -> None:
    from custodes.edge.endpoints.administration import administered

    data = tmp_path / ("long" * 30)
    data.mkdir()
    path = data / "admin.sock"
    path.write_text("left by a server that was killed")
    with administered(data, lambda operation, members, uid: {"uid": uid, "operation": operation, **members}):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_ISSOCK(path.stat().st_mode)
        answer = ask(data, "some thing", number=1)
    assert answer == {"uid": os.getuid(), "operation": "some thing", "number": 1}
    assert not path.exists() and not path.is_symlink()
