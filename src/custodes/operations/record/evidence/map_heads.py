"""The heads of the maps of a ledger, and the key under which names have their places in them.

In: the files of the log, the documents of the maps, their keys. Out: ``map`` and ``vrf`` entries; the account map as it
stands at its last head, which must be that of the log. Statements over these maps are made in ``statements``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field

from custodes.ledger.prover.account_map_binding import BoundMap, bind, changes_behind, check_uses_after, kept_state
from custodes.ledger.prover.account_map_job import Indexer
from custodes.ledger.prover.audits.growth import growth_lines
from custodes.ledger.prover.face_map import FaceIndexes
from custodes.ledger.prover.key_changes import KeyChanges, moved_places
from custodes.ledger.prover.maps import vrf
from custodes.ledger.prover.maps.account_map import AccountMap
from custodes.ledger.prover.maps.account_map_file import MapState
from custodes.ledger.prover.maps.party_map_files import PartyFiles
from custodes.ledger.prover.maps.vrf_keys import VrfKeyStore
from custodes.ledger.prover.ports import Documents, Within
from custodes.ledger.prover.sources import LogFiles, open_log_files
from custodes.ledger.tlog.entry import b64url, decode
from custodes.ledger.tlog.tiles import TileReader
from custodes.ledger.verifier.maps.head import ACCOUNT_MAP, parse_head
from custodes.ledger.verifier.maps.proof import MapError
from custodes.ledger.writer.ports import BodyReader
from custodes.ledger.writer.published import RunningLog
from custodes.operations.record.evidence.party_statements import PartyStatements


@dataclass(frozen=True, slots=True)
class LedgerFiles:
    """What a ledger consists of, for reading; ``witnessed`` publishes the checkpoint with cosignatures."""

    tiles: TileReader
    witnessed: Callable[[bytes], object]
    bodies: BodyReader
    body_key: bytes = field(repr=False)


class MapHeads:
    """The maps of one ledger. Any thread; heads of a map are made one after the other."""

    def __init__(self, files: LedgerFiles, documents: Documents, vrf_keys: VrfKeyStore) -> None:
        """Read ``files``, keep state in ``documents``, place names under ``vrf_keys``."""
        self._files = files
        self._documents = documents
        self.vrf_keys = vrf_keys
        self._faces: list[FaceIndexes] = []
        self.lock = threading.RLock()
        """Held while a head of the account map is made, and by whoever must not meet one."""
        self.key_changes = KeyChanges(self.subfolder("vrf"), vrf_keys.keys, self.party_files)
        self.parties = PartyStatements(self._party_files, self._change_in_force, self.key_changes.shown)

    def close_head(self, log: RunningLog) -> int:
        """Put a head of the account map over everything so far into the log; returns its index, once published.

        Raises:
            LedgerUnavailableError: the log cannot be written now.
            MapError: the state of the map is damaged; a person has to look.
            OSError: a file cannot be read or written.
        """
        with self.lock:
            size = log.flush().size
            log_files, keys, state = self.newest(), self.vrf_keys.keys(), self.state()
            accounts, last = bind(self._bound(log_files))
            head = None if last is None else parse_head(decode(log_files.entry(last)))
            known, change = (0, None) if head is None else (head.clock_entries, head.changed)
            for change, said in changes_behind(log_files, last):
                # The first head under a new key says the same as the last under the old one.
                accounts = accounts.moved(keys.of(said.key), self.key_changes.moves(said))
                state.save(accounts, (), _log_head(log, accounts.head_fields(), known, change))
            wrong = known + sum(1 for _ in log_files.clock_entries(size, accounts.size))
            indexer = Indexer(keys, state, lambda fields: _log_head(log, fields, wrong, change))
            return indexer.close_head(log_files, size)

    def change_vrf_key(self, log: RunningLog, body: Mapping[str, object], signers: int) -> int:
        """Have the maps made under a new key from here on; the index of the ``vrf`` entry.

        Every place is proven under both keys first. The heads in front of the entry and behind it say the same.

        Args:
            log: the log of these files.
            body: private, who had it done.
            signers: how many officers signed for it.

        Raises:
            LedgerUnavailableError: the log cannot be written now.
            MapError: the maps do not agree with the log.
            OSError: a file cannot be read or written.
        """
        with self.lock, ExitStack() as resting:
            self.close_head(log)
            self.close_party_head(log)
            files = self.newest()
            accounts, head = self.at_head(files)
            assert head is not None
            parties, party_head = resting.enter_context(self.parties.moving(files))
            moves = [resting.enter_context(faces.moving()) for faces in self._faces]
            new = self.vrf_keys.next()
            places = moved_places(self.vrf_keys.keys().present, new, accounts, parties)
            fields: dict[str, int | str] = {
                "a": head,
                "b": party_head,
                "e": b64url(self.key_changes.keep(places)),
                "y": b64url(new.public),
                **({"q": signers} if signers else {}),
            }
            index = log.append("vrf", body=body, fields=fields).wait().index
            log.flush()
            self.vrf_keys.settle()
            for move in moves:
                move(new, index)
            resting.close()
            self.close_head(log)
            self.close_party_head(log)
            return index

    def vrf_public(self) -> bytes:
        """The present key of the maps, public half."""
        return self.vrf_keys.keys().present.public

    def key_change(self, index: int) -> bytes:
        """The file about a change of the VRF key; raises as ``KeyChanges.file``, and LookupError."""
        try:
            return self.key_changes.file(index, self.newest())
        except IndexError as error:
            raise LookupError(f"there is no entry {index}") from error

    def check(self) -> None:
        """Bring the account map to the last head in the log, and look whether the next head can be made.

        Raises:
            MapError: the log's heads cannot be reproduced, or a use lost its private body; the text says what to do.
            BodyError: what is stored of a use is not what was committed.
            OSError: a file cannot be read or written.
        """
        try:
            log = self.newest()
        except LookupError:
            return  # a new log
        self.vrf_keys.settle()  # a change of the key that was cut short is finished
        accounts, head = bind(self._bound(log))
        if head is not None:
            self.key_changes.check(log, parse_head(decode(log.entry(head))))
        check_uses_after(accounts, log)

    def growth(self) -> Iterator[bytes]:
        """Per head of the account map, the line that proves that it continues the one before, as ``map_chain`` reads.

        Raises:
            LookupError: nothing is published yet.
            MapError: the private bodies do not give the heads in the log.
            BodyError: what is stored of a use is not what was committed.
        """
        return growth_lines(self.vrf_keys.keys(), self.key_changes, self.newest())

    def close_party_head(self, log: RunningLog) -> int:
        """Put a head of the party map over everything so far into the log; returns its index, once published.

        Raises:
            LedgerUnavailableError: the log cannot be written now.
            MapError: places that the log names are gone or damaged; a person has to look.
            OSError: a file cannot be read or written.
        """
        return self.parties.close_head(log, self.newest)

    def face_indexes(self) -> FaceIndexes:
        """Empty face indexes that place collections under this ledger's key."""
        log = self._newest_or_none()
        change = None if log is None else self._change_in_force(log)
        self._faces.append(FaceIndexes(self.vrf_keys.keys().present, change))
        return self._faces[-1]

    def _bound(self, log: LogFiles) -> BoundMap:
        return BoundMap(self.vrf_keys.keys(), self.key_changes, self.state(), log)

    def _change_in_force(self, log: LogFiles) -> int | None:
        """Index of the ``vrf`` entry that brought the present key; None for the first key of the log."""
        newest = log.tree.newest("map")
        if newest is None:
            return None
        behind = changes_behind(log, newest[0])
        return behind[-1][0] if behind else parse_head(decode(newest[1])).changed

    def _party_files(self) -> PartyFiles:
        log = self._newest_or_none()
        moves = {} if log is None else self.key_changes.moves_until(log, self._change_in_force(log))
        return self.party_files(self.vrf_keys.keys().present, moves)

    def _newest_or_none(self) -> LogFiles | None:
        try:
            return self.newest()
        except LookupError:
            return None  # a new log

    def party_files(self, key: vrf.SecretKey, moves: Mapping[bytes, bytes]) -> PartyFiles:
        """The files of the party map, read under a key, given where places under earlier keys went."""
        return PartyFiles(self.subfolder("parties"), key, moves)

    def at_head(self, log: LogFiles) -> tuple[AccountMap, int | None]:
        """The map on disk, which must be that of a head in the log; readers do not repair it.

        Raises:
            MapError: it is none, and the log has heads.
        """
        kept = kept_state(self.vrf_keys.keys(), self.state(), log)
        if kept is None and any(True for _ in log.heads(ACCOUNT_MAP)):
            raise MapError("the state of the account map is of no head in the log; a start of the server mends it")
        return (AccountMap(self.vrf_keys.keys().present), None) if kept is None else kept

    def state(self) -> MapState:
        """The account map's documents."""
        return MapState(self._documents)

    def newest(self) -> LogFiles:
        """The log at its newest checkpoint. Raises LookupError when nothing is published yet."""
        return open_log_files(self._files.tiles, self._files.bodies, self._files.body_key)

    def subfolder(self, name: str) -> Documents:
        """Documents for what goes with the maps."""
        return Within(self._documents, name)


def _log_head(log: RunningLog, fields: Mapping[str, int | str], wrong: int, change: int | None) -> int:
    """Log a head of the account map: with how many entries on a wrong clock, under the key of which change."""
    more = {**({"i": wrong} if wrong else {}), **({} if change is None else {"b": change})}
    index = log.append("map", fields={**fields, **more}).wait().index
    log.flush()  # published before the state names it, so a statement never waits for its own head
    return index
