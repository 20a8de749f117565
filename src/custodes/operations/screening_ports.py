"""What screening of customers needs from outside: lists, a place for cases, accounts to suspend, a place for drafts.

In and out: plain values. Adapters live in storage and wiring.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from custodes.core.ids import AccountId
from custodes.governance.screening.assessment import Decision
from custodes.governance.screening.entities import Hit, ListEntry, Organisation, Verdict
from custodes.governance.screening.index import EntryIndex


@dataclass(frozen=True, slots=True)
class ListsState:
    """Which editions of which lists are current.

    Attributes:
        digest: SHA-256 over all of them, in hexadecimal; empty while there is no list.
        editions: number of editions so far, by list.
    """

    digest: str
    editions: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ListsChange:
    """What editions changed: entries as they are now, and (list, number) of those that are gone or changed."""

    now: Sequence[ListEntry]
    gone: frozenset[tuple[str, str]]


class Lists(Protocol):
    """The lists of the data directory. Another process may import at any time."""

    @property
    def index(self) -> EntryIndex:
        """All current entries."""
        ...

    def state(self) -> ListsState:
        """Current editions."""
        ...

    def since(self, seen: ListsState) -> ListsChange | None:
        """What changed since ``seen``; None when that can no longer be told, so that everybody is screened afresh."""
        ...


@dataclass(frozen=True, slots=True)
class Case:
    """One customer as screening knows it.

    Attributes:
        account_id: whose.
        graph: everybody behind it, as last declared.
        evidence: SHA-256 digests of the documents that the graph rests on, in hexadecimal.
        declared: whether somebody declared an ownership graph; else it is made from the profile alone.
        dossier: index of the ``org`` entry that brought the graph.
        hits: what the lists give on its parties.
        verdict: after what officers decided.
        screened_at_ms: when it was last screened by itself.
        lists: digest of the lists then.
    """

    account_id: AccountId
    graph: Organisation
    evidence: tuple[str, ...] = ()
    declared: bool = False
    dossier: int = 0
    hits: tuple[Hit, ...] = ()
    verdict: Verdict = "review"
    screened_at_ms: int = 0
    lists: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """The last time that all customers were screened, or shown to be untouched by what changed."""

    at_ms: int
    lists: ListsState


@dataclass(frozen=True, slots=True)
class Officer:
    """Who may decide: name and raw Ed25519 public key; ``until_ms`` is 0 while in office."""

    name: str
    public: bytes
    since_ms: int
    until_ms: int = 0


class CaseStore(Protocol):
    """Durable cases, decisions and officers. Changes are durable when a method returns; it raises UnavailableError."""

    def cases(self) -> Iterable[Case]:
        """All cases."""
        ...

    def save(self, cases: Sequence[Case]) -> None:
        """Add or replace cases, all or none."""
        ...

    def run(self) -> Run | None:
        """The last run."""
        ...

    def save_run(self, run: Run) -> None:
        """Replace the last run."""
        ...

    def decisions(self) -> Iterable[Decision]:
        """All decisions, oldest first."""
        ...

    def decide(self, decision: Decision) -> None:
        """Add a decision; none is ever changed or removed."""
        ...

    def officers(self) -> Iterable[Officer]:
        """All officers, those who left as well."""
        ...

    def save_officer(self, officer: Officer) -> None:
        """Add or replace an officer by name."""
        ...


class Suspender(Protocol):
    """Takes accounts out of use. Called with no lock of screening held."""

    def suspend(self, account_id: AccountId, reason: str) -> bool:
        """Refuse the account everything from now on and stop what runs for it; whether it was in use."""
        ...

    def admit(self, account_id: AccountId, reason: str) -> bool:
        """Let an account that waits for screening start; whether it waited."""
        ...


class ReportDrafts(Protocol):
    """Where drafts for authorities are kept, for their eyes and the operator's only."""

    def keep(self, name: str, text: str) -> str:
        """Keep a draft durably; returns where. Raises UnavailableError."""
        ...


@dataclass(frozen=True, slots=True)
class NoSuspender:
    """Stands where there are no accounts to suspend."""

    def suspend(self, account_id: AccountId, reason: str) -> bool:  # noqa: ARG002 - the port's signature
        """Nothing was in use."""
        return False

    def admit(self, account_id: AccountId, reason: str) -> bool:  # noqa: ARG002 - the port's signature
        """Nobody waited."""
        return False
