"""An operator with the shipped program, his own data directory, and bad intentions.

``Operator`` starts the real server on a directory, uses it through boto3, stops it, and asks for statements that a
stranger's verifier reads. What the attacks do to the files in between is in the tests.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from custodes.gallery.exact import BruteForceIndex
from custodes.gallery.gallery import IndexedGallery
from custodes.ledger.__main__ import check
from custodes.storage.ledger.open import LedgerPaths, read_bodies, read_tiles
from tests.fakes.engine import Square, SquareEngine, picture
from tests.fakes.gallery import MemoryGalleryStore
from tests.fakes.live import LiveServer, running

IMAGE = {"Bytes": picture(Square(1))}


class Operator:
    """Whoever owns the directory ``data``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"

    @contextmanager
    def serving(self) -> Iterator[LiveServer]:
        gallery = IndexedGallery(MemoryGalleryStore(), BruteForceIndex)
        with running(self.data, engine=SquareEngine(), gallery=gallery) as server:
            yield server

    def use(self, times: int, head: bool = True) -> str:
        """Use the service so many times; the account that did."""
        with self.serving() as server:
            client = server.client()
            for _ in range(times):
                client.detect_faces(Image=IMAGE)
            if head:
                self.head(server)
            return str(server.deployment.keys.account_id)

    def head(self, server: LiveServer) -> int:
        ledger = server.deployment.ledger
        assert ledger is not None
        return ledger.duties.close_heads()

    def statement(self, server: LiveServer, account: str) -> Path:
        ledger = server.deployment.ledger
        assert ledger is not None
        from custodes.ledger.verifier.statement import Question

        file = self.folder / "statement.json"
        file.write_bytes(ledger.statements.create(Question(f"acct:{account}")))
        return file

    def verdict(self, file: Path) -> str:
        """What a stranger who has a copy of the public log finds."""
        return check(file, self.data / "trust.policy", self.data / "ledger")[0]

    def uses(self) -> list[int]:
        """Indexes of all uses in the published log."""
        from custodes.ledger.tlog.checkpoint import parse_checkpoint
        from custodes.ledger.tlog.note import parse_note
        from custodes.ledger.tree.tiles import Tree

        tiles = read_tiles(self.data)
        note = tiles.get("checkpoint")
        assert note is not None
        tree = Tree(tiles, parse_checkpoint(parse_note(note).text).size)
        return [index for index, envelope in tree.entries() if json.loads(envelope)["k"] == "use"]

    def erase_bodies(self, indexes: list[int]) -> None:
        """Erase private parts behind the program's back."""
        bodies = read_bodies(self.data)
        assert all(bodies.erase(index) for index in indexes)

    def lose_maps(self) -> None:
        maps = LedgerPaths(self.data).private / "maps"
        for name in ("account.map", "account.uses"):
            (maps / name).unlink()

    def backup(self, name: str) -> Path:
        return Path(shutil.copytree(self.data, self.folder / name))


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    return Operator(tmp_path)


@pytest.fixture
def refused(operator: Operator) -> Callable[[], str]:
    """Starts the server, which must refuse; what it says."""

    def start() -> str:
        from custodes.core.errors import UnavailableError

        with pytest.raises(UnavailableError) as refusal, operator.serving():
            pass
        return str(refusal.value)

    return start
