"""Changes of the VRF key on the operator's side: every name proven under both keys, and the maps of before kept.

In: the maps under the old key, both keys, a folder. Out: the names that a ``vrf`` entry commits to; for one name, what
each last head under an earlier key says of it; the file for auditors. Files name customers and parties: the folder
belongs to the operator alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from custodes.durable import write_durably
from custodes.ledger.prover.files import encode_path, entry_member, wrap
from custodes.ledger.prover.maps import vrf
from custodes.ledger.prover.maps.account_map import AccountMap
from custodes.ledger.prover.maps.party_map import PartyMap
from custodes.ledger.prover.maps.party_map_files import PartyFiles
from custodes.ledger.prover.maps.vrf_keys import VrfKeys
from custodes.ledger.prover.sources import LogFiles
from custodes.ledger.tlog.entry import b64url, decode
from custodes.ledger.tree import multiproof
from custodes.ledger.verifier.canonical_json import PlacedEntry, canonical, parse_canonical
from custodes.ledger.verifier.key_change_file import MovedName
from custodes.ledger.verifier.maps.head import ACCOUNT_MAP, PARTY_MAP, MapHead, account_name, parse_head
from custodes.ledger.verifier.maps.key_change import KeyChange, ShownChange, parse_change
from custodes.ledger.verifier.maps.proof import MapError, MapPath

PartyFilesUnder = Callable[[vrf.SecretKey, Mapping[str, bytes]], PartyFiles]
"""The files of the party map, read under a key, given places that are known."""


def moved_names(old: vrf.SecretKey, new: vrf.SecretKey, accounts: AccountMap, parties: PartyMap) -> list[MovedName]:
    """Every name of both maps, in order, with proofs under both keys; about 10 ms a name."""
    values = {account_name(name): value for name, value in accounts.values()} | dict(parties.values())
    return [
        MovedName(name, vrf.prove(old, name.encode()), vrf.prove(new, name.encode()), values[name])
        for name in sorted(values)
    ]


def encode_names(names: Sequence[MovedName]) -> bytes:
    """What the digest of a ``vrf`` entry is over."""
    return canonical(
        [{"n": one.name, "o": b64url(one.old), "v": b64url(one.value.encode()), "y": b64url(one.new)} for one in names]
    )


class KeyChanges:
    """What is kept of the changes of one log."""

    def __init__(self, folder: Path, keys: Callable[[], VrfKeys], parties: PartyFilesUnder) -> None:
        """Keep files in ``folder`` (private, must exist)."""
        self._folder = folder
        self._keys = keys
        self._parties = parties
        self._maps: dict[tuple[bytes, str], AccountMap | PartyMap] = {}

    def keep(self, names: Sequence[MovedName], accounts: AccountMap) -> bytes:
        """Keep the names and the account map before the change durably; the digest for the entry."""
        data = encode_names(names)
        digest = sha256(data).digest()
        write_durably(self._folder / f"{digest.hex()}.accounts", accounts.dump())
        write_durably(self._folder / f"{digest.hex()}.names", data)
        return digest

    def names(self, change: KeyChange) -> tuple[MovedName, ...]:
        """The names that a change commits to.

        Raises:
            MapError: they are gone or are others.
        """
        path = self._folder / f"{change.names.hex()}.names"
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            raise MapError(f"what the log names at a change of the VRF key is gone: restore {path.name}") from None
        if sha256(data).digest() != change.names:
            raise MapError(f"{path.name} is not what the log names at a change of the VRF key: restore it")
        rows = parse_canonical(data)
        return tuple(MovedName.read(row) for row in rows) if isinstance(rows, list) else ()

    def places(self, change: KeyChange) -> Mapping[str, bytes]:
        """Where each name stands under the new key of a change."""
        return {one.name: vrf.proven(one.new)[:32] for one in self.names(change)}

    def before(self, log: LogFiles, head: MapHead) -> Iterator[tuple[PlacedEntry, KeyChange, PlacedEntry, MapHead]]:
        """The changes in front of a head, the newest first: entry, what it says, the last head under the old key."""
        at = head.changed
        while at is not None:
            entry = PlacedEntry(at, log.entry(at))
            change = parse_change(decode(entry.envelope))
            old = PlacedEntry(change.last[head.name], log.entry(change.last[head.name]))
            parsed = parse_head(decode(old.envelope))
            yield entry, change, old, parsed
            at = parsed.changed

    def check(self, log: LogFiles, head: MapHead) -> None:
        """Raise MapError where a key, or what is kept of a change in front of ``head``, is missing or changed."""
        for _, change, _, old in self.before(log, head):
            self._keys().of(old.vrf_public)
            self.names(change)

    def shown(self, log: LogFiles, head: MapHead, identifier: str) -> tuple[ShownChange, ...]:
        """What the last heads under all keys before that of ``head`` say of a name, the oldest first.

        Raises:
            MapError: what is kept does not give these heads.
        """
        found = []
        for entry, change, placed, old in self.before(log, head):
            proof, path = self._path(log, change, old, identifier)
            found.append(ShownChange(entry, placed, proof, encode_path(path)))
        return tuple(found[::-1])

    def file(self, index: int, log: LogFiles) -> bytes:
        """The file about the change in entry ``index``, for auditors.

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
        proof = multiproof.make(sorted({index, *heads}), log.tree.size, log.node)
        inner = {
            "checkpoint": log.checkpoint().decode(),
            "entry": entry_member(PlacedEntry(index, log.entry(index))),
            "heads": [entry_member(PlacedEntry(at, log.entry(at))) for at in heads],
            "names": json.loads(encode_names(self.names(change))),
            "proof": b64url(b"".join(proof)),
            "v": 1,
        }
        return wrap("vrf", inner)

    def _path(self, log: LogFiles, change: KeyChange, old: MapHead, identifier: str) -> tuple[bytes, MapPath]:
        key = change.names, old.name
        if key not in self._maps:
            self._maps[key] = self._map(log, change, old)
        return self._maps[key].path(identifier)

    def _map(self, log: LogFiles, change: KeyChange, old: MapHead) -> AccountMap | PartyMap:
        """The map at the last head under the old key."""
        secret = self._keys().of(old.vrf_public)
        found: AccountMap | PartyMap
        if old.name == ACCOUNT_MAP:
            path = self._folder / f"{change.names.hex()}.accounts"
            found = AccountMap.load(secret, path.read_bytes() if path.exists() else b"")
        else:
            known = {one.name: vrf.proven(one.old)[:32] for one in self.names(change)}
            found = self._parties(secret, known).map(log, old.size)
        if found.head() != old.node:
            raise MapError(
                f"what is kept of the map {old.name!r} before a change of the VRF key is not what the log says"
            )
        return found
