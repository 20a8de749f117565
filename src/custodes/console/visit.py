"""One request for a page: who asks, for what, and every operation that is asked on their behalf.

In: a session's caller and what the browser sent. Out: answers of operations, each under a request id of its own and
with the caller's rights, remembered with its receipt so that the page can say what of it is on record.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from custodes.console.ports import Answered, ConsoleParts, Members
from custodes.console.web.forms import Form
from custodes.console.web.language import Words
from custodes.console.web.sessions import Session
from custodes.core.errors import CustodesError, DeniedError
from custodes.core.ids import RequestId
from custodes.operations.requests.context import Caller, Context, Origin
from custodes.operations.requests.receipts import GateReceipt, receipt_of


@dataclass(frozen=True, slots=True)
class Asked:
    """One operation that a page asked for; ``receipt`` is None where it left no entry with one."""

    operation: str
    request_id: RequestId
    receipt: GateReceipt | None
    refused: bool


@dataclass(frozen=True, slots=True)
class View:
    """What to show: a template of ``templates/``, its values, the HTTP status."""

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200


@dataclass(frozen=True, slots=True)
class GoTo:
    """Another page to show instead, as a path of this server."""

    path: str


@dataclass(frozen=True, slots=True)
class FileView:
    """A file to keep."""

    name: str
    content: bytes = field(repr=False)
    media_type: str = "application/json"


Outcome = View | GoTo | FileView


@dataclass(slots=True)
class Visit:
    """One request of somebody who is signed in.

    Attributes:
        path: parameters of the path.
        query: parameters behind it; the last of each name.
        form: what was sent; empty for a page that is only read.
        fragment: whether the browser replaces a part of the page and wants no more than that.
        may_ask: operations that the page declares; no other leaves from it.
        asked: operations so far.
    """

    parts: ConsoleParts
    session: Session
    caller: Caller
    origin: Origin
    words: Words
    url: str = ""
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    form: Form = field(default_factory=Form)
    fragment: bool = False
    may_ask: frozenset[str] = frozenset()
    asked: list[Asked] = field(default_factory=list)

    @property
    def is_operator(self) -> bool:
        """Whether the operator's own pages are shown. What they do is decided by the gate all the same."""
        return self.session.administers

    def api(self, operation: str, **members: Any) -> Members:
        """Ask an operation of the API; members that are None are left out.

        Raises:
            CustodesError: it was refused; that is on record, too.
        """
        given = {name: value for name, value in members.items() if value is not None}
        return self._ask(operation, lambda context: self.parts.api(context, operation, given))

    def review(self, operation: str, token: str = "", **members: Any) -> Members:
        """Ask an operation on reviews. Raises as ``api``."""
        return self._ask(operation, lambda context: self.parts.reviews(context, operation, token, members))

    def credentials(self, policy: str) -> Members:
        """Temporary credentials of who asks, for a script of the page; ``policy`` limits them. Raises as ``api``."""
        return self._ask("GetSessionToken", lambda context: self.parts.credentials(context, policy))

    def admin(self, command: str, **members: Any) -> Members:
        """Ask a command of the operator. Raises as ``api``, and DeniedError for who did not sign in on the machine."""
        if not self.session.administers:
            raise DeniedError("Who administers this server signs in with `custodes console`, on its machine.")
        given = {name: value for name, value in members.items() if value not in (None, "")}
        return self._ask(command, lambda context: self.parts.admin(context, command, given))

    def _ask(self, operation: str, call: Callable[[Context], Answered]) -> Members:
        if operation not in self.may_ask:
            raise RuntimeError(f"the page at {self.url} does not say that it asks {operation}")
        context = Context(self.caller, self.parts.request_ids(), self.parts.clock.now_ms(), self.origin)
        try:
            released = call(context)
        except CustodesError as error:
            self.asked.append(Asked(operation, context.request_id, receipt_of(error), refused=True))
            raise
        self.asked.append(Asked(operation, context.request_id, released.receipt, refused=False))
        return released.result
