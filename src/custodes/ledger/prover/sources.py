"""Where an operator's statements come from: the files of the log, the private bodies, and the state of the maps.

In: ``TileReader`` and ``BodyReader`` of the log, the key of the bodies, the map's state. Out: the ports that
``statement``, ``account_map_job`` and ``invoices`` ask. Reads only, beside a running server; one checkpoint is
chosen at the start, and all answers fit it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from custodes.ledger.prover.body_deletion import Deletion
from custodes.ledger.prover.files import encode_path
from custodes.ledger.prover.maps.account_map import AccountMap
from custodes.ledger.prover.maps.account_map_file import MapState
from custodes.ledger.prover.maps.party_map import PartyMap
from custodes.ledger.prover.ports import Use
from custodes.ledger.tlog.checkpoint import parse_checkpoint
from custodes.ledger.tlog.commitment import BodyError
from custodes.ledger.tlog.entry import Entry, decode
from custodes.ledger.tlog.note import NoteError, parse_note
from custodes.ledger.tlog.tiles import CHECKPOINT_PATH, TileReader
from custodes.ledger.tree.tiles import Tree
from custodes.ledger.verifier.canonical_json import PlacedEntry
from custodes.ledger.verifier.maps.head import ACCOUNT_MAP, PARTY_MAP, MapHead, parse_head
from custodes.ledger.verifier.maps.key_change import KeyChange, ShownChange, parse_change
from custodes.ledger.verifier.uncertainty import CLOCK
from custodes.ledger.writer.body import unseal
from custodes.ledger.writer.excerpt import MEMBERS as EXCERPTS
from custodes.ledger.writer.ports import BodyReader

ERASED = "erased without an entry"
"""Stands for the account of a use whose body is gone, though no entry says whose it was; no map is made over it."""


@dataclass(frozen=True, slots=True)
class LogFiles:
    """The log at one checkpoint. ``LogReader`` and, as far as bodies exist, the uses in order.

    Attributes:
        note: the signed checkpoint.
        tree: reads tiles up to it.
        bodies: private bodies.
        body_key: their key.
    """

    note: bytes
    tree: Tree
    bodies: BodyReader
    body_key: bytes = field(repr=False)

    def checkpoint(self) -> bytes:
        """The signed checkpoint."""
        return self.note

    def entry(self, index: int) -> bytes:
        """Envelope of entry ``index``."""
        return self.tree.entry(index)

    def node(self, level: int, index: int) -> bytes:
        """Hash of a perfect subtree."""
        return self.tree.node(level, index)

    def uses(self, begin: int, end: int) -> Iterator[Use]:
        """All uses among entries ``begin`` up to ``end``.

        Those whose body was destroyed belong to whom the entry of that destruction names, else to ``ERASED``.
        """
        owners: dict[int, str] | None = None
        for use in self._of_kind("use", begin, end):
            if use.account != ERASED:
                yield use
            else:
                owners = self.owners_of_destroyed() if owners is None else owners
                yield replace(use, account=owners.get(use.index, ERASED))

    def owners_of_destroyed(self) -> dict[int, str]:
        """Whose the entries are whose bodies were destroyed by a ``del`` entry that could still be opened."""
        return {
            index: deletion.account
            for deletion in self.deletions()
            for index in deletion.entries
            if deletion.account is not None
        }

    def deletions(self) -> Iterator[Deletion]:
        """The ``del`` entries of the log with what their bodies say.

        Raises:
            BodyError: what is stored is not what was committed.
        """
        for index, envelope, entry in self._entries("del", 0, self.tree.size):
            sealed = self.bodies.get(index)
            if sealed is not None and entry.commitment is not None:
                body = unseal(sealed, entry.commitment, self.body_key)
                yield Deletion.read(index, envelope, sealed.salt, body)

    def clock_entries(self, end: int, begin: int = 0) -> Iterator[PlacedEntry]:
        """Those of entries ``begin`` up to ``end`` that say that the clock was wrong."""
        for index, envelope, entry in self._entries("inc", begin, end):
            if str(entry.fields.get("x")).startswith(CLOCK):
                yield PlacedEntry(index, envelope)

    def heads(self, name: str, begin: int = 0) -> Iterator[tuple[int, MapHead]]:
        """Index and head of each ``map`` entry of the map called ``name`` from entry ``begin`` on.

        Raises:
            MapError: one lacks a member.
        """
        for index, _, entry in self._entries("map", begin, self.tree.size):
            if entry.fields.get("m") == name:
                yield index, parse_head(entry)

    def key_changes(self, begin: int = 0) -> Iterator[tuple[int, KeyChange]]:
        """Index and content of each change of the VRF key from entry ``begin`` on."""
        for index, _, entry in self._entries("vrf", begin, self.tree.size):
            yield index, parse_change(entry)

    def retentions(self, begin: int, end: int) -> Iterator[Use]:
        """All retention runs among entries ``begin`` up to ``end``, as uses of no units."""
        return self._of_kind("ret", begin, end)

    def excerpted(self) -> Iterator[tuple[int, Entry]]:
        """Index and entry of each that commits to an excerpt of its body."""
        for kind in sorted(EXCERPTS):
            for index, _, entry in self._entries(kind, 0, self.tree.size):
                if "s" in entry.fields:
                    yield index, entry

    def dossiers(self, begin: int, end: int) -> Iterator[tuple[int, Entry]]:
        """Index and entry of each onboarding dossier among entries ``begin`` up to ``end``."""
        for index, _, entry in self._entries("org", begin, end):
            yield index, entry

    def changes(self, begin: int, end: int) -> Iterator[tuple[int, bytes, Entry]]:
        """Index, envelope and entry of each ``pol`` entry among entries ``begin`` up to ``end``."""
        return self._entries("pol", begin, end)

    def stamps(self) -> Iterator[tuple[int, bytes, Entry]]:
        """Index, envelope and entry of each time stamp."""
        return self._entries("tsa", 0, self.tree.size)

    def billings(self, begin: int = 0) -> Iterator[tuple[int, Entry]]:
        """Index and entry of each invoice run from entry ``begin`` on."""
        for index, _, entry in self._entries("bil", begin, self.tree.size):
            yield index, entry

    def destroyed_since(self, begin: int) -> bool:
        """Whether private bodies were destroyed by entry ``begin`` or a later one."""
        return any(True for _ in self._entries("del", begin, self.tree.size))

    def _of_kind(self, kind: str, begin: int, end: int) -> Iterator[Use]:
        for index, envelope, entry in self._entries(kind, begin, end):
            yield self.use(index, envelope, entry, None)

    def _entries(self, kind: str, begin: int, end: int) -> Iterator[tuple[int, bytes, Entry]]:
        mark = b'"k":"%b"' % kind.encode()
        for index, envelope in self.tree.entries(begin, end):
            # A cheap look before the strict one: most entries are others.
            if mark in envelope:
                entry = decode(envelope)
                if entry.kind == kind:
                    yield index, envelope, entry

    def use(self, index: int, envelope: bytes, entry: Entry, account: str | None) -> Use:
        """One use with its body, if that still exists; ``account`` is what the map says, None to take the body's.

        Raises:
            BodyError: what is stored is not what was committed.
        """
        sealed = self.bodies.get(index)
        if sealed is None or entry.commitment is None:
            return Use(index, envelope, account or ERASED, entry.t, entry.units or 0)
        body = unseal(sealed, entry.commitment, self.body_key)
        named = json.loads(body).get("acct")
        if not isinstance(named, str) or (account is not None and named != account):
            raise BodyError(f"the body of entry {index} names another account than the map")
        return Use(index, envelope, named, entry.t, entry.units or 0, sealed.salt, body)


def open_log_files(tiles: TileReader, bodies: BodyReader, body_key: bytes, witnessed: bytes | None = None) -> LogFiles:
    """The log at its newest checkpoint, or at ``witnessed`` (a checkpoint with cosignatures) if that is given.

    Raises:
        LookupError: nothing was published yet.
        NoteError: the checkpoint is malformed.
    """
    note = witnessed if witnessed is not None else tiles.get(CHECKPOINT_PATH)
    if note is None:
        raise LookupError("the log has no published checkpoint yet")
    return LogFiles(note, Tree(tiles, parse_checkpoint(parse_note(note).text).size), bodies, body_key)


def reaches(note: bytes | None, index: int) -> bool:
    """Whether a checkpoint is one and holds entry ``index``."""
    if note is None:
        return False
    try:
        return parse_checkpoint(parse_note(note).text).size > index
    except NoteError:
        return False


ChangeOfHead = Callable[[LogFiles, MapHead], ShownChange | None]
"""The change by which the VRF key of a head came (``KeyChanges.shown``)."""


def _no_change(_log: LogFiles, _head: MapHead) -> None:
    return None


@dataclass(frozen=True, slots=True)
class AccountSources:
    """The account map at its last head: ``MapReader``, and ``UseSource`` together with the log's files."""

    log: LogFiles
    state: MapState
    accounts: AccountMap
    head: int
    changed: ChangeOfHead = _no_change

    def head_index(self, name: str) -> int:
        """Index of the last head's entry. Raises LookupError for another map."""
        if name != ACCOUNT_MAP:
            raise LookupError(f"this is not the map called {name!r}")
        return self.head

    def path(self, name: str, identifier: str) -> tuple[bytes, bytes]:
        """VRF proof and encoded path of an identifier."""
        self.head_index(name)
        proof, path = self.accounts.path(identifier)
        return proof, encode_path(path)

    def change(self, head: MapHead) -> ShownChange | None:
        """The change by which the VRF key of a head came."""
        return self.changed(self.log, head)

    def uses(self, begin: int, end: int) -> Iterator[Use]:
        """All uses among entries ``begin`` up to ``end``."""
        return self.log.uses(begin, end)

    def uses_of(self, account: str, end: int) -> Iterator[Use]:
        """All uses that the map credits to ``account`` among the first ``end`` entries."""
        names = self.accounts.names()
        if account not in names:
            return
        for index in self.state.indexes(names.index(account)):
            if index < end:
                envelope = self.log.entry(index)
                yield self.log.use(index, envelope, decode(envelope), account)


@dataclass(frozen=True, slots=True)
class PartySources:
    """The party map at its last head: ``MapReader`` and ``PlaceSource``."""

    parties: PartyMap
    head: int
    log: LogFiles
    changed: ChangeOfHead

    def head_index(self, name: str) -> int:
        """Index of the last head's entry. Raises LookupError for another map."""
        if name != PARTY_MAP:
            raise LookupError(f"this is not the map called {name!r}")
        return self.head

    def path(self, name: str, identifier: str) -> tuple[bytes, bytes]:
        """VRF proof and encoded path of an identifier."""
        self.head_index(name)
        proof, path = self.parties.path(identifier)
        return proof, encode_path(path)

    def change(self, head: MapHead) -> ShownChange | None:
        """The change by which the VRF key of a head came."""
        return self.changed(self.log, head)

    def places_of(self, identifier: str) -> Iterator[tuple[int, bytes, bytes]]:
        """Entry, salt and body of each place of ``identifier``."""
        for one in self.parties.places(identifier):
            yield one.entry, one.place.salt, one.place.body
