"""The provider's rules: ``policy/``, with a document for each change and one for each set.

In: records of changes and sets of packs. Out: the same, checked against their digests. A change is drafted before the
ledger is told of it and gets its place when the ledger has it, so a crash in between leaves something that can be
settled either way. What may follow what is not known here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from custodes.core.errors import UnavailableError
from custodes.governance.provider.change_chain import ChainRecord, read_record
from custodes.governance.provider.guardrails import PackError
from custodes.governance.provider.policy_set import PolicySet, canonical, read_set
from custodes.governance.provider.records import PlacedRecord, RecordPlace
from custodes.ledger.prover.ports import Documents, Within

FOLDER = "policy"


class PolicyFiles:
    """Implements ``PolicyStore`` among documents."""

    def __init__(self, documents: Documents) -> None:
        """Use those in the folder ``policy`` of ``documents``."""
        self._documents = Within(documents, FOLDER)

    def records(self) -> tuple[PlacedRecord, ...]:
        """All records in their order.

        Raises:
            UnavailableError: a file is missing, damaged, or cannot be read.
        """
        names = [name for name in self._documents.names("") if name[:1].isdecimal()]
        if names != [_record(number) for number in range(len(names))]:
            raise UnavailableError("records of changes of policy are missing")
        return tuple(self._read(name) for name in names)

    def policy(self, digest: str) -> PolicySet:
        """The set of a digest.

        Raises:
            LookupError: there is none.
            UnavailableError: it is damaged, or cannot be read.
        """
        name = _set(digest)
        try:
            kept = self._documents.get(name)
            found = None if kept is None else read_set(json.loads(kept))
        except (OSError, ValueError, PackError) as error:
            raise UnavailableError(f"{FOLDER}/{name} cannot be read: {error}") from error
        if found is None:
            raise LookupError(f"there is no set of policies {digest}")
        if found.digest() != digest:
            raise UnavailableError(f"{FOLDER}/{name} was changed: its digest is {found.digest()}")
        return found

    def members(self, digest: str) -> Mapping[str, object] | None:
        """The set of a digest as JSON values; None where it is not here."""
        try:
            return self.policy(digest).members()
        except LookupError:
            return None

    def draft(self, record: ChainRecord, policy: PolicySet) -> None:
        """Keep the next record, without a place yet, and the set it is about; durable when this returns."""
        self._documents.put(_set(policy.digest()), canonical(policy.members()))
        self._write(len(self.records()), PlacedRecord(record))

    def place(self, place: RecordPlace) -> None:
        """Give the last record its place."""
        records = self.records()
        self._write(len(records) - 1, PlacedRecord(records[-1].record, place))

    def discard(self) -> None:
        """Forget the last record, which the ledger does not have."""
        self._documents.remove(_record(len(self.records()) - 1))

    def _read(self, name: str) -> PlacedRecord:
        try:
            parsed = json.loads(self._documents.get(name) or b"")
            place = parsed["place"]
            return PlacedRecord(
                read_record(parsed["record"]),
                None if place is None else RecordPlace(int(place["index"]), int(place["t_ms"])),
            )
        except (OSError, ValueError, KeyError, TypeError, PackError) as error:
            raise UnavailableError(f"{FOLDER}/{name} cannot be read: {error}") from error

    def _write(self, number: int, placed: PlacedRecord) -> None:
        place = None if placed.place is None else {"index": placed.place.index, "t_ms": placed.place.t_ms}
        text = canonical({"place": place, "record": placed.record.members()})
        self._documents.put(_record(number), text)


def policy_files(documents: Documents) -> PolicyFiles:
    """The rules among ``documents``.

    Raises:
        UnavailableError: no server was ever started on them.
    """
    files = PolicyFiles(documents)
    if not documents.names(FOLDER):
        raise UnavailableError("there are no rules in this data directory yet: start the server with it once")
    return files


def _record(number: int) -> str:
    return f"{number:06d}.json"


def _set(digest: str) -> str:
    return f"sets/{digest}.json"
