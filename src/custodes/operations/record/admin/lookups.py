"""Commands of the operator that read the record: its state, its entries with their private parts, uses of a period.

In: commands. Out: typed results. Reads the published log backwards from its newest checkpoint, in bounded stretches;
what an entry says in private is opened with the key of the bodies, for the operator only. Each look is on record.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from custodes.core.errors import InvalidParameterError, NotFoundError, UnavailableError
from custodes.ledger.prover.sources import LogFiles, open_log_files
from custodes.ledger.tlog.checkpoint import parse_checkpoint
from custodes.ledger.tlog.commitment import BodyError
from custodes.ledger.tlog.entry import Entry, decode
from custodes.ledger.tlog.note import NoteError, parse_note
from custodes.ledger.tlog.tiles import TILE_WIDTH, LedgerCorruptError
from custodes.ledger.tree.tiles import WITNESSED_PATH
from custodes.ledger.writer.body import unseal
from custodes.operations.record.evidence.map_heads import LedgerFiles
from custodes.operations.requests.admin import AdminCommand, AdminHandlers
from custodes.operations.requests.properties import READS, Properties

MAX_LISTED = 200
MAX_COUNTED = 20_000
"""Entries looked at for the uses of a period; more make the answer ``complete: false``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowLedger(AdminCommand):
    """The newest checkpoint of the ledger, and who signed it."""

    operation: ClassVar[str] = "ledger show"
    properties: ClassVar[Properties] = READS


@dataclass(frozen=True, slots=True, kw_only=True)
class ListEntries(AdminCommand):
    """Entries of the ledger before entry ``before``, newest first; of one kind or of all."""

    operation: ClassVar[str] = "ledger entries"
    properties: ClassVar[Properties] = READS
    before: int | None = None
    kind: str | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowEntry(AdminCommand):
    """One entry with its private part."""

    operation: ClassVar[str] = "ledger entry"
    properties: ClassVar[Properties] = READS
    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CountUses(AdminCommand):
    """Uses since a time (ms since the epoch), by operation and by what came of them."""

    operation: ClassVar[str] = "ledger uses"
    properties: ClassVar[Properties] = READS
    since_ms: int


@dataclass(frozen=True, slots=True)
class LedgerShown:
    """A checkpoint: root in hexadecimal, names of its signers, and the signed note itself.

    ``witnesses`` are the names of those who confirmed the first ``witnessed_size`` entries last, if anybody did.
    """

    origin: str
    size: int
    root: str
    signers: tuple[str, ...]
    checkpoint: str
    witnessed_size: int | None
    witnesses: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryFacts:
    """What an entry says; ``body`` is its private part, None where it has none or no longer."""

    index: int
    kind: str
    ts_ms: int
    units: int | None
    settles: int | None
    fields: Mapping[str, object]
    committed: bool
    body: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeEntry(EntryFacts):
    """The same with its bytes as text, and the size of the log that it was read in."""

    envelope: str
    size: int


@dataclass(frozen=True, slots=True)
class EntryList:
    """Entries, newest first; ``before`` is where to go on, None at the first entry."""

    entries: tuple[EntryFacts, ...]
    before: int | None
    size: int


@dataclass(frozen=True, slots=True)
class UseCount:
    """Uses of an operation that ended with one code."""

    operation: str
    code: str
    count: int


@dataclass(frozen=True, slots=True)
class UsesCounted:
    """Uses of a period; not complete where only the newest were looked at."""

    uses: tuple[UseCount, ...]
    units: int
    complete: bool


def lookup_handlers(files: Callable[[], LedgerFiles]) -> AdminHandlers:
    """What carries these commands out on the files of a log, opened anew each time. All raise CustodesError."""
    counts = _UseCounts()
    return {
        ShowLedger: lambda _: _checkpoint(_newest(files), files().tiles.get(WITNESSED_PATH)),
        ListEntries: lambda asked: _entries(_newest(files), asked),
        ShowEntry: lambda asked: _entry(_newest(files), asked.index),
        CountUses: lambda asked: counts.answer(_newest(files), asked.since_ms),
    }


def _newest(files: Callable[[], LedgerFiles]) -> LogFiles:
    opened = files()
    try:
        return open_log_files(opened.tiles, opened.bodies, opened.body_key)
    except (LookupError, NoteError, LedgerCorruptError) as error:
        raise UnavailableError(f"the ledger cannot be read: {error}") from error


def _checkpoint(log: LogFiles, witnessed: bytes | None) -> LedgerShown:
    note = parse_note(log.note)
    tree = parse_checkpoint(note.text)
    signers = tuple(signature.name for signature in note.signatures)
    shown = LedgerShown(tree.origin, tree.size, tree.root.hex(), signers, log.note.decode(), None, ())
    if witnessed is None:
        return shown
    confirmed = parse_note(witnessed)
    names = tuple(one.name for one in confirmed.signatures if one.name != tree.origin)
    return replace(shown, witnessed_size=parse_checkpoint(confirmed.text).size, witnesses=names)


def _entries(log: LogFiles, asked: ListEntries) -> EntryList:
    if not 1 <= asked.limit <= MAX_LISTED:
        raise InvalidParameterError(f"at most {MAX_LISTED} entries are listed")
    end = log.tree.size if asked.before is None else min(asked.before, log.tree.size)
    found: list[EntryFacts] = []
    looked = end
    for index, entry in _backwards(log, end):
        looked = index
        if not asked.kind or entry.kind == asked.kind:
            found.append(EntryFacts(**_members(log, index, entry)))
        if len(found) == asked.limit or end - index >= MAX_COUNTED:
            break
    return EntryList(tuple(found), looked if looked > 0 else None, log.tree.size)


def _entry(log: LogFiles, index: int) -> WholeEntry:
    try:
        envelope = log.tree.entry(index)
    except IndexError as error:
        raise NotFoundError(f"there is no entry {index}") from error
    return WholeEntry(**_members(log, index, decode(envelope)), envelope=envelope.decode(), size=log.tree.size)


class _UseCounts:
    """Uses since a time, kept up to the newest entry that was counted, so that each entry is opened once a day."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._since_ms = -1
        self._size = 0
        self._counts: Counter[tuple[str, str]] = Counter()
        self._units = 0
        self._complete = True

    def answer(self, log: LogFiles, since_ms: int) -> UsesCounted:
        """The uses of ``log`` since ``since_ms``."""
        with self._lock:
            if since_ms != self._since_ms or log.tree.size < self._size:
                self._begin(log, since_ms)
            for index, envelope in log.tree.entries(self._size):
                self._count(log, index, decode(envelope))
            self._size = log.tree.size
            rows = tuple(UseCount(name, code, count) for (name, code), count in self._counts.most_common())
            return UsesCounted(rows, self._units, self._complete)

    def _begin(self, log: LogFiles, since_ms: int) -> None:
        """Start at the first entry of the period, or at the last that are counted."""
        self._since_ms, self._counts, self._units, self._complete = since_ms, Counter(), 0, True
        self._size = log.tree.size
        for index, entry in _backwards(log, log.tree.size):
            if entry.t < since_ms:
                return
            if log.tree.size - index > MAX_COUNTED:
                self._complete = False
                return
            self._size = index

    def _count(self, log: LogFiles, index: int, entry: Entry) -> None:
        denied = entry.kind == "auth" and entry.fields.get("d") == "deny"
        if entry.kind == "use" or denied:
            body = _body(log, index, entry) or {}
            self._counts[str(body.get("op", "")), "Denied" if denied else str(body.get("code", ""))] += 1
            self._units += entry.units or 0


def _members(log: LogFiles, index: int, entry: Entry) -> dict[str, Any]:
    return {
        "index": index,
        "kind": entry.kind,
        "ts_ms": entry.t,
        "units": entry.units,
        "settles": entry.settles,
        "fields": dict(entry.fields),
        "committed": entry.commitment is not None,
        "body": _body(log, index, entry),
    }


def _body(log: LogFiles, index: int, entry: Entry) -> Mapping[str, Any] | None:
    """What an entry says in private; None where it says nothing or no longer."""
    sealed = log.bodies.get(index)
    if sealed is None or entry.commitment is None:
        return None
    try:
        found = json.loads(unseal(sealed, entry.commitment, log.body_key))
    except BodyError as error:
        raise UnavailableError(f"entry {index}: {error}") from error
    return found if isinstance(found, dict) else None


def _backwards(log: LogFiles, end: int) -> Iterator[tuple[int, Entry]]:
    """Entries before ``end``, from the newest to the oldest."""
    for bundle in reversed(range(-(-end // TILE_WIDTH))):
        for index, envelope in reversed(list(enumerate(log.tree.bundle(bundle), bundle * TILE_WIDTH))):
            if index < end:
                yield index, decode(envelope)
