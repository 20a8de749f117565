"""Screening's ports in memory: lists that a test edits, cases, accounts that remember what was done to them, drafts."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from custodes.core.ids import AccountId
from custodes.operations.screening.ports import CustomerCase, ListsChange, ListsState, Officer, Run
from custodes.screening.assessment import Decision
from custodes.screening.entities import ListEntry
from custodes.screening.index.entries import MemoryIndex


@dataclass
class MemoryCases:
    """Implements ``CaseStore``."""

    kept: dict[AccountId, CustomerCase] = field(default_factory=dict)
    last: list[Run] = field(default_factory=list)
    decided: list[Decision] = field(default_factory=list)
    office: dict[str, Officer] = field(default_factory=dict)

    def cases(self) -> list[CustomerCase]:
        return list(self.kept.values())

    def save(self, cases: Sequence[CustomerCase]) -> None:
        self.kept.update((case.account_id, case) for case in cases)

    def run(self) -> Run | None:
        return self.last[0] if self.last else None

    def save_run(self, run: Run) -> None:
        self.last[:] = [run]

    def decisions(self) -> list[Decision]:
        return list(self.decided)

    def decide(self, decision: Decision) -> None:
        self.decided.append(decision)

    def officers(self) -> list[Officer]:
        return list(self.office.values())

    def save_officer(self, officer: Officer) -> None:
        self.office[officer.name] = officer


@dataclass
class MemoryLists:
    """Implements ``Lists``; ``knows`` how many editions back changes can still be told."""

    editions: list[dict[str, ListEntry]] = field(default_factory=list)
    knows: int = 1
    afresh: int = 0

    @property
    def index(self) -> MemoryIndex:
        self.afresh += 1
        return MemoryIndex(self.editions[-1].values() if self.editions else [])

    def publish(self, *entries: ListEntry) -> None:
        self.editions.append({entry.uid: entry for entry in entries})

    def state(self) -> ListsState:
        if not self.editions:
            return ListsState("")
        text = f"{len(self.editions)} {sorted(entry.digest() for entry in self.editions[-1].values())}"
        return ListsState(hashlib.sha256(text.encode()).hexdigest(), {"house": len(self.editions)})

    def since(self, seen: ListsState) -> ListsChange | None:
        back = len(self.editions) - seen.editions.get("house", 0)
        if back > self.knows:
            return None
        if not back:
            return ListsChange([], frozenset())
        new = self.editions[-1]
        old: Mapping[str, ListEntry] = self.editions[-2] if len(self.editions) > 1 else {}
        now = [entry for uid, entry in new.items() if old.get(uid) != entry]
        gone = {("house", uid) for uid, entry in old.items() if new.get(uid) != entry}
        return ListsChange(now, frozenset(gone))


@dataclass
class Suspensions:
    """Implements ``Suspender``; ``log`` has what was asked, in order."""

    log: list[tuple[str, str]] = field(default_factory=list)

    def suspend(self, account_id: AccountId, reason: str) -> bool:
        self.log.append(("suspend", account_id))
        return True

    def admit(self, account_id: AccountId, reason: str) -> bool:
        self.log.append(("admit", account_id))
        return True


@dataclass
class Drafts:
    """Implements ``ReportDrafts``."""

    texts: dict[str, str] = field(default_factory=dict)

    def keep(self, name: str, text: str) -> str:
        self.texts[name] = text
        return name
