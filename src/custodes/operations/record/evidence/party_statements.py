"""The party map of a ledger: its heads, and statements about who stood behind customers.

In: the folder of places, the published log. Out: ``map`` entries, statement files. The map is kept in memory between
heads, so that an hour costs what the hour brought.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

from custodes.ledger.prover.files import encode_file, encode_party
from custodes.ledger.prover.maps.party_map import PartyMap
from custodes.ledger.prover.maps.party_map_files import PartyFiles, PlacesDigest
from custodes.ledger.prover.sources import ChangeOfHead, LogFiles, PartySources
from custodes.ledger.prover.statement import Sources, build
from custodes.ledger.tlog.entry import decode
from custodes.ledger.verifier.maps.head import parse_head
from custodes.ledger.verifier.party import PartyQuestion
from custodes.ledger.verifier.statement import Question
from custodes.ledger.writer.published import RunningLog

ChangeInForce = Callable[[LogFiles], int | None]
"""The ``vrf`` entry of the present key, None for the first key of the log."""
LogWith = Callable[[int], LogFiles]
"""Gives the log at a checkpoint that holds an entry."""


class PartyStatements:
    """Statements from the party map over one ledger. Any thread; heads and new places wait for one another."""

    def __init__(self, files: Callable[[], PartyFiles], change: ChangeInForce, shown: ChangeOfHead) -> None:
        """Keep places where ``files`` says; nothing is opened before it is needed.

        ``change`` tells the ``vrf`` entry of the present key, ``shown`` gives it to statements.
        """
        self._open = files
        self._change = change
        self._shown = shown
        self._files: PartyFiles | None = None
        self._map: PartyMap | None = None
        self._lock = threading.Lock()

    def keep(self, places: Iterable[tuple[str, Mapping[str, object]]], random: Callable[[int], bytes]) -> PlacesDigest:
        """Keep places durably; the entry that names them is to follow. Raises BodyError or OSError."""
        with self._lock:
            return self._opened().keep(places, random)

    def close_head(self, log: RunningLog, newest: Callable[[], LogFiles]) -> int:
        """Log a head over everything so far; see ``Statements.close_party_head``."""
        with self._lock:
            size = log.flush().size
            files, read = self._opened(), newest()
            change = self._change(read)

            def append(fields: Mapping[str, int | str]) -> int:
                under = {} if change is None else {"b": change}
                index = log.append("map", fields={**fields, **under}).wait().index
                log.flush()  # published before the state names it, so a statement never waits for its own head
                return index

            last = files.last_head()
            if last is not None and parse_head(decode(read.entry(last[0]))).changed != change:
                # The first head under a new key says the same as the last under the old one.
                files.close_head(files.map(read, last[1]), read, last[1], append)
            if self._map is None:
                self._map = files.map(read, size)
            return files.close_head(self._map, read, size, append)

    @contextmanager
    def moving(self, read: LogFiles) -> Iterator[tuple[PartyMap, int]]:
        """The map at its last head and that head's index. No head is made in the block; behind it the key is another.

        Raises:
            LookupError: there is no head yet.
        """
        with self._lock:
            files = self._opened()
            last = files.last_head()
            if last is None:
                raise LookupError("the party map has no head yet")
            yield files.map(read, last[1]), last[0]
            self._files = self._map = None

    def files(self) -> PartyFiles:
        """The folder of places."""
        return self._opened()

    def create(self, question: Question, log_with: LogWith) -> bytes:
        """The statement about one name or number. Raises as ``Statements.create``."""
        return next(iter(self._build([question], log_with)))

    def create_all(self, asked: PartyQuestion, begin: int | None, end: int | None, log_with: LogWith) -> bytes:
        """The file about a party. Raises as ``Statements.create_party``."""
        return encode_party(asked, self._build([Question(key, begin, end) for key in asked.map_names()], log_with))

    def _build(self, questions: Iterable[Question], log_with: LogWith) -> list[bytes]:
        files = self._opened()
        last = files.last_head()
        if last is None:
            raise LookupError("the party map has no head yet; the server makes one every hour")
        head, size = last
        log = log_with(head)
        sources = PartySources(files.map(log, size), head, log, self._shown)
        return [encode_file(build(question, Sources(log, sources, places=sources))) for question in questions]

    def _opened(self) -> PartyFiles:
        if self._files is None:
            self._files = self._open()
        return self._files
