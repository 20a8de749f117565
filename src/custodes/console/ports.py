"""What the console needs of a server. In: nothing. Out: ``ConsoleParts``, filled by the composition root.

The console computes and stores nothing: everything it shows comes through these calls, which are those of the API and
of the operator's commands, with the same validation, decisions and records.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from custodes.core.clock import Clock
from custodes.core.ids import RequestId
from custodes.jobs.schedule import ScheduleState
from custodes.operations.accounts.credentials.sign_in_links import SignInLinks
from custodes.operations.requests.context import Caller, Context
from custodes.operations.requests.ports import KeyLookup
from custodes.operations.requests.receipts import Released
from custodes.operations.requests.recent import RequestPace

T = TypeVar("T")

Members = Mapping[str, Any]
Answered = Released[Members]
"""An answer with the receipt of its record. Errors have theirs, too, see ``receipt_of``."""
ApiCall = Callable[[Context, str, Members], Answered]
"""One operation of the API: (context, its name, members in AWS names) to its answer. Raises CustodesError."""
ReviewCall = Callable[[Context, str, str, Members], Answered]
"""One operation on reviews: (context, its name, token of a review or empty, members) to its answer."""
CredentialsCall = Callable[[Context, str], Answered]
"""Temporary credentials of the caller, limited by a policy: (context, document) to what GetSessionToken tells."""
AdminCall = Callable[[Context, str, Members], Answered]
"""One command of the operator: (context, its words, members) to its answer; refused to anybody else."""


class RunWork(Protocol):
    """Runs work on a thread, fairly between accounts."""

    def __call__(self, behalf: str, work: Callable[..., T], *arguments: Any) -> Awaitable[T]:
        """What ``work(*arguments)`` returns or raises."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLimits:
    """How long somebody stays signed in: ``idle_ms`` without a request, ``absolute_ms`` altogether."""

    idle_ms: int = 30 * 60_000
    absolute_ms: int = 12 * 3_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleParts:
    """What the console is made of.

    Attributes:
        api: operations of the API.
        reviews: operations on reviews.
        admin: commands of the operator.
        credentials: for scripts of a page that sign for themselves.
        keys: access keys; asked at every request, so that a disabled key ends its sessions.
        operator: the caller that a sign-in link stands for.
        links: sign-in links that were given out.
        run: threads that pages work on.
        clock: tells when sessions are over.
        random: secret bytes of a given length.
        region: stands in ARNs.
        request_ids: gives a new id for each operation that a page asks for.
        false_match_rate: share of pairs of different people that reach a similarity; None where not measured.
        trust_policy: text of the policy that verifiers of the ledger start from: its key, its witnesses.
        public_entry: what everybody may read of an entry of the ledger; raises NotFoundError.
        schedules: how fresh periodic work is.
        pace: how the last minutes went.
        limits: of sessions.
    """

    api: ApiCall
    reviews: ReviewCall
    admin: AdminCall
    credentials: CredentialsCall
    keys: KeyLookup
    operator: Caller
    links: SignInLinks
    run: RunWork
    clock: Clock
    random: Callable[[int], bytes]
    region: str
    request_ids: Callable[[], RequestId]
    false_match_rate: Callable[[float], float | None]
    trust_policy: Callable[[], str]
    public_entry: Callable[[int], bytes]
    schedules: Callable[[], Sequence[ScheduleState]]
    pace: Callable[[], RequestPace]
    limits: SessionLimits = SessionLimits()
