from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.routing import Mount

from custodes.edge.endpoints.ledger import PublicLedger, ledger_routes
from custodes.ledger.tlog.note import VerifierKey
from custodes.ledger.tlog.tiles import LedgerCorruptError, LedgerUnavailableError, decode_bundle
from custodes.ledger.tree.tiles import encode_bundle, is_public_path, tile_path
from custodes.ledger.tree.tlog_proof import verify_tlog_proof
from custodes.ledger.writer.log import LedgerLog
from custodes.storage.ledger.documents import public_documents
from custodes.storage.ledger.open import LedgerPaths, read_tiles


@dataclass
class Answer:
    """What came back."""

    status_code: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    content: bytes = b""


class Client:
    """Speaks ASGI to the routes, mounted as the server mounts them; paths are not tidied up on the way."""

    def __init__(self, data: Path, proof: Callable[[int], bytes] | None) -> None:
        self._app = Starlette(
            routes=[
                Mount("/ledger", routes=ledger_routes(PublicLedger(read_tiles(data), proof, public_documents(data))))
            ]
        )

    def get(self, path: str, method: str = "GET") -> Answer:
        return asyncio.run(self._ask(path, method))

    def post(self, path: str) -> Answer:
        return self.get(path, "POST")

    async def _ask(self, path: str, method: str) -> Answer:
        answer = Answer()
        scope = {
            "type": "http",
            "method": method,
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [],
            "root_path": "",
            "scheme": "http",
            "server": ("localhost", 80),
        }

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                answer.status_code = message["status"]
                answer.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            else:
                answer.content += message.get("body", b"")

        await self._app(scope, receive, send)
        return answer


def _client(data: Path, proof: Callable[[int], bytes] | None = None) -> Client:
    return Client(data, proof)


def test_files_are_served_byte_for_byte(grown: Path) -> None:
    client = _client(grown)
    public = LedgerPaths(grown).public
    files = [path.relative_to(public).as_posix() for path in public.rglob("*") if path.is_file()]
    assert {"checkpoint", "tile/0/000", "tile/1/000", "tile/2/000.p/1", "tile/entries/273.p/113"} <= set(files)
    for path in [*files[:: max(1, len(files) // 40)], "checkpoint", "tile/2/000.p/1"]:
        assert is_public_path(path)
        answer = client.get(f"/ledger/{path}")
        assert answer.content == (public / path).read_bytes()
        if path == "checkpoint":
            assert answer.headers["content-type"] == "text/plain; charset=utf-8"
            assert answer.headers["cache-control"] == "no-store"
        else:
            assert answer.headers["content-type"] == "application/octet-stream"
            assert "immutable" in answer.headers["cache-control"]


@pytest.mark.parametrize(
    "path",
    [
        "master.key",
        "javascript/../__main__.py",
        "javascript/nothing.mjs",
        "../keys/ledger.key",
        "..%2Fkeys%2Fledger.key",
        "tile/0/../../../keys/ledger.key",
        "tile/0/000%00",
        "tile/0/000/",
        "tile/8/000",
        "tile/0/1",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/entries/x000/x1/000",
        "tile//000",
        "Tile/0/000",
        "checkpoint/",
        "tile/0/999",
        "proof/-1",
        "proof/01",
        "proof/x",
        "proof/999999999999999999999",
    ],
)
def test_other_paths_are_not_found(grown: Path, path: str) -> None:
    assert _client(grown, lambda index: b"proof").get(f"/ledger/{path}").status_code == 404


@given(st.text(alphabet="tile/0123456789x.pentrschk%\\~ ", max_size=40))
def test_no_accepted_path_can_leave_the_folder(path: str) -> None:
    if is_public_path(path):
        assert ".." not in path
        assert not path.startswith("/")
        assert path == "checkpoint" or path.startswith("tile/")


def test_proofs_by_index(
    tmp_path: Path, open_log: Callable[..., LedgerLog], key_of: Callable[..., VerifierKey]
) -> None:
    log = open_log(tmp_path)
    log.append("inc")
    log.flush()
    client = _client(tmp_path, log.proof)
    answer = client.get("/ledger/proof/0")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert verify_tlog_proof(answer.content, log.tree().entry(0), [key_of(tmp_path)]).index == 0
    assert client.get("/ledger/proof/1").status_code == 404
    assert _client(tmp_path).get("/ledger/proof/0").status_code == 404


@pytest.mark.parametrize("error", [LedgerUnavailableError("x"), LedgerCorruptError("x"), OSError(5, "x")])
def test_what_cannot_be_read_now_is_said(tmp_path: Path, error: Exception) -> None:
    def proof(index: int) -> bytes:
        raise error

    assert _client(tmp_path, proof).get("/ledger/proof/0").status_code == 503


def test_trust_policy_keys_format_and_verifier_lie_beside_the_log(
    tmp_path: Path, open_log: Callable[..., LedgerLog]
) -> None:
    log = open_log(tmp_path)
    log.append("inc")
    log.flush()
    (tmp_path / "trust.policy").write_text("quorum none\n")
    client = _client(tmp_path)
    assert client.get("/ledger/trust.policy").content == b"quorum none\n"
    assert client.get("/ledger/ledger.pub").content == LedgerPaths(tmp_path).verifier.read_bytes()
    assert client.get("/ledger/ledger-old.pub").status_code == 404
    assert b"The ledger's byte format" in client.get("/ledger/FORMAT.md").content
    page = client.get("/ledger/").content.decode()
    for name in re.findall(r'href="([^"]+)"', page):
        assert client.get(f"/ledger/{name}").status_code == 200, name
    assert "1 entries" in page and "ledger-old" not in page


def test_the_verifier_comes_with_all_its_modules(grown: Path) -> None:
    client, seen, wanted = _client(grown), set[str](), {"verify.mjs"}
    while wanted - seen:
        name = min(wanted - seen)
        answer = client.get(f"/ledger/javascript/{name}")
        assert answer.headers["content-type"] == "text/javascript; charset=utf-8", name
        seen.add(name)
        wanted |= set(re.findall(r'(?:from |import\()"\./([a-z_]+\.mjs)"', answer.content.decode()))
    assert len(seen) > 8


def test_only_get_is_allowed(grown: Path) -> None:
    assert _client(grown).post("/ledger/checkpoint").status_code == 405


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_bundles_go_round(entries: list[bytes]) -> None:
    data = encode_bundle(entries)
    assert decode_bundle(data) == entries
    if data:
        with pytest.raises(LedgerCorruptError):
            decode_bundle(data[:-1])


def test_paths_of_the_specification() -> None:
    assert tile_path(0, 1234067) == "tile/0/x001/x234/067"
    assert tile_path(1, 0, 8) == "tile/1/000.p/8"
    with pytest.raises(ValueError, match="256"):
        tile_path(0, 0, 0)
