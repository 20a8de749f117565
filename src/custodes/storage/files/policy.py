"""The provider's rules of a data directory: ``policy/``, with a file for each change and one for each set.

In: records of changes and sets of packs. Out: the same, checked against their digests. A change is drafted before the
ledger is told of it and gets its place when the ledger has it, so a crash in between leaves something that can be
settled either way. Files are readable for their owner only. What may follow what is not known here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from custodes.core.errors import UnavailableError
from custodes.durable import sync_directory, write_durably
from custodes.governance.provider.change_chain import ChainRecord, read_record
from custodes.governance.provider.guardrails import PackError
from custodes.governance.provider.policy_set import PolicySet, canonical, read_set
from custodes.governance.provider.records import PlacedRecord, RecordPlace

FOLDER = "policy"


class PolicyFiles:
    """Implements ``PolicyStore`` in a folder."""

    def __init__(self, folder: Path) -> None:
        """Use ``folder``; it is made when something is first written."""
        self._folder = folder

    def records(self) -> tuple[PlacedRecord, ...]:
        """All records in their order.

        Raises:
            UnavailableError: a file is missing, damaged, or cannot be read.
        """
        paths = sorted(self._folder.glob("[0-9]*.json"))
        if [path.stem for path in paths] != [f"{number:06d}" for number in range(len(paths))]:
            raise UnavailableError(f"{self._folder} lacks records of changes of policy")
        return tuple(self._read(path) for path in paths)

    def policy(self, digest: str) -> PolicySet:
        """The set of a digest.

        Raises:
            LookupError: there is none.
            UnavailableError: it is damaged, or cannot be read.
        """
        path = self._set(digest)
        try:
            found = read_set(json.loads(path.read_bytes()))
        except FileNotFoundError:
            raise LookupError(f"there is no set of policies {digest}") from None
        except (OSError, ValueError, PackError) as error:
            raise UnavailableError(f"{path} cannot be read: {error}") from error
        if found.digest() != digest:
            raise UnavailableError(f"{path} was changed: its digest is {found.digest()}")
        return found

    def members(self, digest: str) -> Mapping[str, object] | None:
        """The set of a digest as JSON values; None where it is not here."""
        try:
            return self.policy(digest).members()
        except LookupError:
            return None

    def draft(self, record: ChainRecord, policy: PolicySet) -> None:
        """Keep the next record, without a place yet, and the set it is about; durable when this returns."""
        for folder in (self._folder, self._folder / "sets"):
            if not folder.is_dir():
                folder.mkdir(mode=0o700, parents=True)
                sync_directory(folder.parent)
        digest = policy.digest()
        write_durably(self._set(digest), canonical(policy.members()))
        self._write(len(self.records()), PlacedRecord(record))

    def place(self, place: RecordPlace) -> None:
        """Give the last record its place."""
        records = self.records()
        self._write(len(records) - 1, PlacedRecord(records[-1].record, place))

    def discard(self) -> None:
        """Forget the last record, which the ledger does not have."""
        (self._folder / f"{len(self.records()) - 1:06d}.json").unlink()
        sync_directory(self._folder)

    def _read(self, path: Path) -> PlacedRecord:
        try:
            parsed = json.loads(path.read_bytes())
            place = parsed["place"]
            return PlacedRecord(
                read_record(parsed["record"]),
                None if place is None else RecordPlace(int(place["index"]), int(place["t_ms"])),
            )
        except (OSError, ValueError, KeyError, TypeError, PackError) as error:
            raise UnavailableError(f"{path} cannot be read: {error}") from error

    def _write(self, number: int, placed: PlacedRecord) -> None:
        place = None if placed.place is None else {"index": placed.place.index, "t_ms": placed.place.t_ms}
        text = canonical({"place": place, "record": placed.record.members()})
        write_durably(self._folder / f"{number:06d}.json", text)

    def _set(self, digest: str) -> Path:
        return self._folder / "sets" / f"{digest}.json"


def policy_files(data: Path) -> PolicyFiles:
    """The rules of a data directory.

    Raises:
        UnavailableError: no server was ever started on it.
    """
    if not (data / FOLDER).is_dir():
        raise UnavailableError(f"there are no rules in {data} yet: start the server with this directory once")
    return PolicyFiles(data / FOLDER)
