"""Changes of the VRF key on the operator's side: every place proven under both keys, and kept.

In: the maps under the old key, both keys, documents. Out: the places that a ``vrf`` entry commits to, which statements
refer to; where each place went; the file that shows a change to others. Documents name nobody; they say how much each
place was used until the change, and under which key it is which, so they belong to the operator.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import sha256

from custodes.ledger.prover.files import change_member, entry_member, wrap
from custodes.ledger.prover.maps import vrf
from custodes.ledger.prover.maps.account_map import AccountMap
from custodes.ledger.prover.maps.party_map import PartyMap
from custodes.ledger.prover.maps.party_map_files import PartyFiles
from custodes.ledger.prover.maps.tree import first_place
from custodes.ledger.prover.maps.vrf_keys import VrfKeys
from custodes.ledger.prover.ports import Documents
from custodes.ledger.prover.sources import LogFiles
from custodes.ledger.tlog.entry import b64url, decode
from custodes.ledger.tree import multiproof
from custodes.ledger.verifier.canonical_json import Members, PlacedEntry, canonical, parse_canonical
from custodes.ledger.verifier.maps.head import ACCOUNT_MAP, PARTY_MAP, MapHead, account_name, parse_head
from custodes.ledger.verifier.maps.key_change import KeyChange, ShownChange, commitment_of, parse_change
from custodes.ledger.verifier.maps.key_change_file import MovedPlace
from custodes.ledger.verifier.maps.proof import MapError, Value

PartyFilesUnder = Callable[[vrf.SecretKey, Mapping[bytes, bytes]], PartyFiles]
"""The files of the party map, read under a key, given where places under earlier keys went."""


def moved_places(old: vrf.SecretKey, new: vrf.SecretKey, accounts: AccountMap, parties: PartyMap) -> bytes:
    """What a ``vrf`` entry commits to: all places of both maps with proofs under both keys; about 10 ms a place."""
    rows = {
        "accounts": _rows(old, new, ((account_name(name), value) for name, value in accounts.values())),
        "parties": _rows(old, new, parties.values()),
    }
    return canonical(rows)


def _rows(old: vrf.SecretKey, new: vrf.SecretKey, values: Iterable[tuple[str, Value]]) -> list[dict[str, str]]:
    found = []
    for first, value in sorted((first_place(old, name), value) for name, value in values):
        before = {} if old.first is None else {"o": b64url(vrf.prove(old, first))}
        found.append(
            {"b": b64url(first), "v": b64url(value.encode()), "y": b64url(vrf.prove(new, first)), **before},
        )
    return found


class KeyChanges:
    """What is kept of the changes of one log."""

    def __init__(self, documents: Documents, keys: Callable[[], VrfKeys], parties: PartyFilesUnder) -> None:
        """Keep it in ``documents``, which have nothing else."""
        self._documents = documents
        self._keys = keys
        self.parties = parties

    def keep(self, places: bytes) -> bytes:
        """Keep the places of a change durably; the digest for the entry."""
        commitment = commitment_of(self._keys().first.public, sha256(places).digest())
        self._documents.put(_name(commitment), places)
        return commitment

    def rows(self, change: KeyChange) -> Mapping[str, tuple[MovedPlace, ...]]:
        """Per map, the places that a change commits to.

        Raises:
            MapError: they are gone or are others.
        """
        members = Members(parse_canonical(self._kept(change)))
        return {
            name: tuple(MovedPlace.read(row) for row in members.items(rows))
            for name, rows in ((ACCOUNT_MAP, "accounts"), (PARTY_MAP, "parties"))
        }

    def moves(self, change: KeyChange) -> Mapping[bytes, bytes]:
        """Where each place under the old key of a change went."""
        return {
            row.first if row.old is None else vrf.proven(row.old)[:32]: vrf.proven(row.new)[:32]
            for rows in self.rows(change).values()
            for row in rows
        }

    def moves_until(self, log: LogFiles, index: int | None) -> Mapping[bytes, bytes]:
        """Where each place under any earlier key went by all changes up to that in entry ``index``."""
        found: dict[bytes, bytes] = {}
        for change in reversed([each for _, each in self._until(log, index)]):
            step = self.moves(change)
            found = {was: step[here] for was, here in found.items()} | dict(step)
        return found

    def check(self, log: LogFiles, head: MapHead) -> None:
        """Raise MapError where a key, or what is kept of a change in front of ``head``, is missing or changed."""
        for _, change in self._until(log, head.changed):
            self._keys().of(parse_head(decode(log.entry(change.last[ACCOUNT_MAP]))).vrf_public)
            self._kept(change)

    def shown(self, log: LogFiles, head: MapHead) -> ShownChange | None:
        """The change by which the key of ``head`` came, as statements show it; None under the first key.

        Raises:
            MapError: what is kept of it is gone.
        """
        return None if head.changed is None else self._shown(log, head.changed)

    def file(self, index: int, log: LogFiles) -> bytes:
        """The file about the change in entry ``index``.

        Raises:
            LookupError: that entry changes no key, or no heads came behind it yet.
            MapError: what is kept of it is gone.
        """
        entry = decode(log.entry(index))
        if entry.kind != "vrf":
            raise LookupError(f"entry {index} changes no VRF key")
        change, heads = parse_change(entry), []
        for name in (ACCOUNT_MAP, PARTY_MAP):
            new = next((at for at, head in log.heads(name, index) if head.changed == index), None)
            if new is None:
                raise LookupError(
                    f"the map {name!r} has no head under the new key yet; the server makes one every hour"
                )
            heads += [change.last[name], new]
        before = parse_head(decode(log.entry(heads[0]))).changed
        shown = {index, *heads} | (set() if before is None else {before})
        inner = {
            **json.loads(self._kept(change)),
            "before": None if before is None else change_member(self._shown(log, before)),
            "checkpoint": log.checkpoint().decode(),
            "entry": change_member(self._shown(log, index)),
            "heads": [entry_member(PlacedEntry(at, log.entry(at))) for at in heads],
            "proof": b64url(b"".join(multiproof.make(sorted(shown), log.tree.size, log.node))),
            "v": 2,
        }
        return wrap("vrf", inner)

    def _shown(self, log: LogFiles, index: int) -> ShownChange:
        entry = PlacedEntry(index, log.entry(index))
        places = sha256(self._kept(parse_change(decode(entry.envelope)))).digest()
        return ShownChange(entry, self._keys().first.public, places)

    def _until(self, log: LogFiles, index: int | None) -> Iterator[tuple[int, KeyChange]]:
        """The changes up to that in entry ``index``, the newest first."""
        while index is not None:
            change = parse_change(decode(log.entry(index)))
            yield index, change
            index = parse_head(decode(log.entry(change.last[ACCOUNT_MAP]))).changed

    def _kept(self, change: KeyChange) -> bytes:
        name = _name(change.commitment)
        data = self._documents.get(name)
        if data is None:
            raise MapError(f"what the log names at a change of the VRF key is gone: restore {name}")
        if commitment_of(self._keys().first.public, sha256(data).digest()) != change.commitment:
            raise MapError(f"{name} is not what the log names at a change of the VRF key: restore it")
        return data


def _name(commitment: bytes) -> str:
    return f"{commitment.hex()}.places"
