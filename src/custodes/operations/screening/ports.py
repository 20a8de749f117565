"""What screening of customers needs from outside: lists, a place for cases, accounts to suspend, a place for drafts.

In and out: plain values. Adapters live in storage and wiring.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from custodes.core.ids import AccountId
from custodes.screening.assessment import Decision
from custodes.screening.entities import ListEntry, ListHit, Organisation, Verdict
from custodes.screening.index.entries import EntryIndex


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


class ListsInForce(Protocol):
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
class CustomerCase:
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
    hits: tuple[ListHit, ...] = ()
    verdict: Verdict = "review"
    screened_at_ms: int = 0
    lists: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """The last time that all customers were screened, or shown to be untouched by what changed."""

    at_ms: int
    lists: ListsState


@dataclass(frozen=True, slots=True)
class ScreeningFreshness:
    """How far screening has come.

    Attributes:
        verdicts: customers by verdict.
        behind: customers that were not yet held against the newest lists.
        oldest_at_ms: when the customer that was screened longest ago was; None without customers.
        ran_at_ms: end of the last run over everybody; None before the first.
        done: customers that the run in progress has held against the lists; None when none is in progress.
        lists: digest of the newest lists, as last looked at; empty without any.
    """

    verdicts: Mapping[str, int]
    behind: int
    oldest_at_ms: int | None
    ran_at_ms: int | None
    done: int | None
    lists: str


@dataclass(frozen=True, slots=True)
class Officer:
    """Who may decide: name and raw Ed25519 public key; ``until_ms`` is 0 while in office."""

    name: str
    public: bytes
    since_ms: int
    until_ms: int = 0


class CaseStore(Protocol):
    """Durable cases, decisions and officers. Changes are durable when a method returns; it raises UnavailableError."""

    def cases(self) -> Iterable[CustomerCase]:
        """All cases."""
        ...

    def save(self, cases: Sequence[CustomerCase]) -> None:
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


HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class ListPublisher:
    """Where a list comes from.

    Attributes:
        name: of the list.
        form: its format.
        address: ``https:``; may hold a token, so it is shown without its query.
        every_h: hours from one look to the next.
        etag: what the publisher called the last answer; empty for nothing.
        modified: when the publisher changed it, in the publisher's words.
        digest: SHA-256 of the last file that was imported.
        checked_ms: last time it was asked; 0 for never.
        fetched_ms: last time it answered with a file that is in use or with "unchanged".
        failure: why the last look led to nothing; empty when it did not fail.
    """

    name: str
    form: str
    address: str
    every_h: int = 24
    etag: str = ""
    modified: str = ""
    digest: str = ""
    checked_ms: int = 0
    fetched_ms: int = 0
    failure: str = ""

    @property
    def shown(self) -> str:
        """The address without what may be secret in it."""
        parts = urlsplit(self.address)
        return f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}{parts.path}"

    def is_due(self, now_ms: int) -> bool:
        """Whether it is time to look again; after a failure in a twelfth of the time, at least an hour."""
        every_ms = self.every_h * HOUR_MS
        return now_ms - self.checked_ms >= (max(HOUR_MS, every_ms // 12) if self.failure else every_ms)


def is_loopback(host: str) -> bool:
    """Whether ``host`` is this machine by name or number."""
    return host in ("localhost", "::1") or host.startswith("127.")


@dataclass(frozen=True, slots=True)
class Download:
    """What a publisher answered: a file, or that nothing changed (``path`` is None then)."""

    path: Path | None
    etag: str = ""
    modified: str = ""


Fetch = Callable[[ListPublisher], AbstractContextManager[Download]]
"""Asks a publisher, with what is known of its last answer; the file is gone at the end of the block.

Raises CustodesError when it cannot be had."""


class Publishers(Protocol):
    """Where publishers are kept."""

    def all(self) -> Sequence[ListPublisher]:
        """All of them by name."""
        ...

    def keep(self, one: ListPublisher) -> None:
        """Add or replace one."""
        ...

    def remove(self, name: str) -> None:
        """Forget one; its list stays. Raises NotFoundError."""
        ...


Progress = Callable[[int, int], object]


@dataclass(frozen=True, slots=True)
class Edition:
    """One import of one list, and what it changed against the one before.

    Attributes:
        digest: SHA-256 of what was read, in hexadecimal.
        origin: where it came from: an address without its query, or the name of a file.
        ledger_index: the ``list`` entry that commits to it; None until there is one.
    """

    source: str
    format: str
    digest: str
    entries: int
    added: int
    removed: int
    changed: int
    imported_ms: int
    origin: str = ""
    ledger_index: int | None = None
