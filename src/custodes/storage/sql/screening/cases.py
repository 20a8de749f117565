"""Cases of screening in the database: customers' graphs and hits, decisions, officers; drafts as documents.

In: calls of the ports in ``operations.screening_ports``. Out: the same again. Every value is sealed under the master
key and bound to its kind and name: who stands behind whom is nobody's business who copies a file. Decisions are only
ever added.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec
import orjson
from sqlalchemy import Connection, insert, select, update

from custodes.core.errors import UnavailableError
from custodes.core.ids import AccountId
from custodes.ledger.prover.ports import Documents
from custodes.operations.screening.ports import CustomerCase, ListsChange, ListsState, Officer, Run
from custodes.screening.assessment import Decision
from custodes.screening.entities import ListHit
from custodes.screening.organisation import encoded, read_organisation
from custodes.storage.files.seal import DamagedError, KeyBox, names_of
from custodes.storage.sql.database import Database, InTransaction, alone
from custodes.storage.sql.former_file import take_over
from custodes.storage.sql.screening.lists import ScreeningLists
from custodes.storage.sql.tables.screening import SCREENING_RECORDS

DRAFTS = "screening/reports"
"""Folder of drafts."""
_COLUMNS = SCREENING_RECORDS.c
_FORMER = "SELECT kind, name, sealed FROM record ORDER BY number"
_CASE, _RUN, _DECISION, _OFFICER = "case", "run", "decision", "officer"


class SealedCases:
    """A durable CaseStore."""

    def __init__(
        self,
        database: Database,
        operator: AccountId,
        master: KeyBox,
        changed: InTransaction = alone,
    ) -> None:
        """Keep records in ``database``, under the ``operator``, sealed by ``master``.

        ``changed`` is called in the transaction of each change.
        """
        self._changed = changed
        self._database = database
        self._operator = operator
        self._master = master

    def take_over(self, data: Path) -> None:
        """Take in what an earlier version kept in a file of ``data``. Raises UnavailableError."""
        take_over(data / "screening" / "cases.sqlite3", _FORMER, self._put_sealed)

    def cases(self) -> Iterator[CustomerCase]:
        """See CaseStore."""
        return (_case(value) for value in self._values(_CASE))

    def case(self, account_id: AccountId) -> CustomerCase | None:
        """The case of one account; None where it has none."""
        found = self._values(_CASE, f"{_CASE}/{account_id}")
        return next((_case(value) for value in found), None)

    def save(self, cases: Sequence[CustomerCase]) -> None:
        """See CaseStore."""
        self._put([(_CASE, f"{_CASE}/{case.account_id}", _case_to_json(case)) for case in cases])

    def run(self) -> Run | None:
        """See CaseStore."""
        for value in self._values(_RUN):
            parsed = orjson.loads(value)
            return Run(parsed["at_ms"], ListsState(parsed["digest"], parsed["editions"]))
        return None

    def save_run(self, run: Run) -> None:
        """See CaseStore."""
        members = {"at_ms": run.at_ms, "digest": run.lists.digest, "editions": dict(run.lists.editions)}
        self._put([(_RUN, _RUN, orjson.dumps(members))])

    def decisions(self) -> Iterator[Decision]:
        """See CaseStore."""
        for value in self._values(_DECISION):
            parsed = orjson.loads(value)
            yield Decision(
                **parsed | {"evidence": tuple(parsed["evidence"]), "signature": bytes.fromhex(parsed["signature"])}
            )

    def decide(self, decision: Decision) -> None:
        """See CaseStore."""
        members = asdict(decision) | {"signature": decision.signature.hex()}
        name = hashlib.sha256(decision.message() + decision.signature).hexdigest()
        self._put([(_DECISION, f"{_DECISION}/{name}", orjson.dumps(members))])

    def officers(self) -> Iterator[Officer]:
        """See CaseStore."""
        for value in self._values(_OFFICER):
            parsed = orjson.loads(value)
            yield Officer(**parsed | {"public": bytes.fromhex(parsed["public"])})

    def save_officer(self, officer: Officer) -> None:
        """See CaseStore."""
        members = asdict(officer) | {"public": officer.public.hex()}
        self._put([(_OFFICER, f"{_OFFICER}/{officer.name}", orjson.dumps(members))])

    def _values(self, kind: str, name: str | None = None) -> Iterator[bytes]:
        wanted = select(_COLUMNS.name, _COLUMNS.sealed).where(_COLUMNS.account_id == self._operator)
        if name is not None:
            wanted = wanted.where(_COLUMNS.name == name)
        with self._database.read() as connection:
            rows = connection.execute(wanted.where(_COLUMNS.kind == kind).order_by(_COLUMNS.row)).all()
        for row in rows:
            try:
                yield self._master.unwrap(row.sealed, _names(kind, row.name))
            except DamagedError as error:
                raise UnavailableError(f"a record of screening ({kind}) is damaged or was altered") from error

    def _put(self, records: Iterable[tuple[str, str, bytes]]) -> None:
        self._put_sealed([(kind, name, self._master.wrap(value, _names(kind, name))) for kind, name, value in records])

    def _put_sealed(self, records: Sequence[tuple[Any, ...]]) -> None:
        def change(connection: Connection) -> None:
            for kind, name, sealed in records:
                here = (_COLUMNS.account_id == self._operator) & (_COLUMNS.name == name)
                if not connection.execute(update(SCREENING_RECORDS).where(here).values(sealed=sealed)).rowcount:
                    row = {"account_id": self._operator, "kind": kind, "name": name, "sealed": sealed}
                    connection.execute(insert(SCREENING_RECORDS).values(row))
            self._changed(connection)

        if records:
            self._database.write(change, erases=True)


class EditionLists:
    """``Lists`` over the imported editions."""

    def __init__(self, lists: ScreeningLists) -> None:
        """Read ``lists``."""
        self.index = lists
        self._lists = lists

    def state(self) -> ListsState:
        """See Lists."""
        counts: dict[str, int] = {}
        newest: dict[str, str] = {}
        for edition in self._lists.editions():
            counts[edition.source] = counts.get(edition.source, 0) + 1
            newest[edition.source] = edition.digest
        if not counts:
            return ListsState("")
        rows = [[source, counts[source], newest[source]] for source in sorted(counts)]
        return ListsState(hashlib.sha256(orjson.dumps(rows)).hexdigest(), counts)

    def since(self, seen: ListsState) -> ListsChange | None:
        """See Lists. The storage tells what the newest edition of a list changed, not the one before."""
        new = {
            source: count - seen.editions.get(source, 0)
            for source, count in self.state().editions.items()
            if count != seen.editions.get(source, 0)
        }
        if any(count != 1 for count in new.values()):
            return None
        found = {source: self._lists.difference(source) for source in new}
        gone = frozenset((source, uid) for source, one in found.items() for uid in one.kinds)
        return ListsChange([entry for one in found.values() for entry in one.now], gone)


class KeptDrafts:
    """``ReportDrafts`` as documents in ``screening/reports``."""

    def __init__(self, documents: Documents) -> None:
        """Keep them among ``documents``."""
        self._documents = documents

    def keep(self, name: str, text: str) -> str:
        """See ReportDrafts."""
        place = f"{DRAFTS}/{name}"
        try:
            self._documents.put(place, text.encode())
        except OSError as error:
            raise UnavailableError(f"a draft report cannot be written: {error}") from error
        return place


def _names(kind: str, name: str) -> bytes:
    return names_of("screening", kind, name)


def _case_to_json(case: CustomerCase) -> bytes:
    parsed = {
        "account_id": case.account_id,
        "graph": orjson.loads(encoded(case.graph)),
        "evidence": case.evidence,
        "declared": case.declared,
        "dossier": case.dossier,
        "hits": [asdict(hit) for hit in case.hits],
        "verdict": case.verdict,
        "screened_at_ms": case.screened_at_ms,
        "lists": case.lists,
    }
    return orjson.dumps(parsed)


def _case(value: bytes) -> CustomerCase:
    parsed = orjson.loads(value)
    return CustomerCase(
        AccountId(parsed["account_id"]),
        read_organisation(parsed["graph"]),
        tuple(parsed["evidence"]),
        parsed["declared"],
        parsed["dossier"],
        msgspec.convert(parsed["hits"], tuple[ListHit, ...]),
        parsed["verdict"],
        parsed["screened_at_ms"],
        parsed["lists"],
    )
