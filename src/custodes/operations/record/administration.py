"""Commands of the operator on record: who asked for what under which request id, in every entry that comes of it.

In: typed commands, the handlers that carry them out, who asks. Out: answers. Each passes a gate of its own: only the
operator may, an ``adm`` entry says so before anything is done, and entries written meanwhile name the same actor and
request. One at a time, and never together with a duty of the ledger.
"""

from __future__ import annotations

import pwd
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Unpack

from custodes.core.clock import Clock
from custodes.core.errors import InvalidParameterError, UnavailableError
from custodes.core.ids import AccountId, RequestId
from custodes.core.slot import Slot
from custodes.governance.accounts.identities import ROOT
from custodes.ledger.tlog.checkpoint import Checkpoint
from custodes.ledger.tlog.commitment import BodyError
from custodes.ledger.tlog.entry import EntryError
from custodes.ledger.tlog.tiles import LedgerUnavailableError
from custodes.ledger.tree.tiles import Tree
from custodes.ledger.writer.pending import EntryParts, Pending
from custodes.ledger.writer.published import RunningLog
from custodes.ledger.writer.receipt import receipt_token
from custodes.operations.requests.admin import (
    AdminAnswer,
    AdminCommand,
    AdminHandlers,
    AdminResult,
    answer_of,
    read_command,
)
from custodes.operations.requests.context import Caller, Context, Principal
from custodes.operations.requests.gate import Allow, Decision, Deny, Gate, Intent, UseOutcome
from custodes.operations.requests.principals import principal_arn
from custodes.operations.requests.receipts import GateReceipt, Released

_REGION = "local"


class AttributedLog:
    """A log in whose entries stands who had them written. Implements ``LedgerWriter``."""

    def __init__(self, log: RunningLog) -> None:
        """Write to ``log``."""
        self._log = log
        self._now = threading.local()

    @contextmanager
    def attributed(self, context: Context) -> Iterator[None]:
        """Name the caller and the request of ``context`` in what this thread writes in the block."""
        self._now.who = {"actor": context.caller.access_key_id, "request_id": context.request_id}
        try:
            yield
        finally:
            self._now.who = {}

    def append(self, kind: str, **parts: Unpack[EntryParts]) -> Pending:
        """See LedgerWriter."""
        return self._log.append(kind, **self._named(parts))

    def defer(self, kind: str, **parts: Unpack[EntryParts]) -> Pending:
        """See LedgerWriter."""
        return self._log.defer(kind, **self._named(parts))

    def hasten(self, kind: str, **parts: Unpack[EntryParts]) -> Pending:
        """See LedgerWriter."""
        return self._log.hasten(kind, **self._named(parts))

    def commit(self, kind: str, **parts: Unpack[EntryParts]) -> Pending:
        """See LedgerWriter."""
        return self._log.commit(kind, **self._named(parts))

    def flush(self) -> Checkpoint:
        """See RunningLog."""
        return self._log.flush()

    def tree(self) -> Tree:
        """See RunningLog."""
        return self._log.tree()

    def _named(self, parts: EntryParts) -> EntryParts:
        who: Mapping[str, object] = getattr(self._now, "who", {})
        if who:
            parts["body"] = {**(parts.get("body") or {}), **who}
        return parts


class Administration:
    """Carries out commands of the operator."""

    def __init__(
        self,
        log: AttributedLog,
        operator: AccountId,
        handlers: AdminHandlers,
        clock: Clock,
        request_ids: Callable[[], RequestId],
        serial: AbstractContextManager[object],
    ) -> None:
        """Have ``handlers`` work for ``operator``, on record in ``log``, alone while ``serial`` is held."""
        self._log = log
        self._operator = operator
        self._handlers = handlers
        self._kinds = {kind.operation: kind for kind in handlers}
        self._clock = clock
        self._request_ids = request_ids
        self._serial = serial
        self._gate = Gate(_OperatorOnly(operator), _AdminRecorder(log))

    def ask(self, operation: str, members: Mapping[str, object], uid: int) -> AdminAnswer:
        """Have a command of the user ``uid`` of this system carried out.

        Raises:
            InvalidParameterError: there is no such command, or its members do not fit.
            CustodesError: it could not be carried out; the message says why.
        """
        kind = self._kinds.get(operation)
        if kind is None:
            raise InvalidParameterError(f"this server does not know how to {operation!r}")
        return answer_of(self.perform(read_command(kind, members), actor_of(uid)))

    def ask_as(self, context: Context, operation: str, members: Mapping[str, object]) -> Released[AdminAnswer]:
        """Have a command carried out for whoever asks in ``context``; raises as ``ask``, and DeniedError."""
        kind = self._kinds.get(operation)
        if kind is None:
            raise InvalidParameterError(f"this server does not know how to {operation!r}")
        return self._carry_out(context, read_command(kind, members)).map(answer_of)

    def perform(self, command: AdminCommand, actor: str) -> AdminResult:
        """The same with the command itself."""
        arn = f"{principal_arn(self._operator, Principal(), _REGION)}/{actor}"
        caller = Caller(self._operator, actor, arn, _REGION)
        return self._carry_out(Context(caller, self._request_ids(), self._clock.now_ms()), command).result

    def _carry_out(self, context: Context, command: AdminCommand) -> Released[AdminResult]:
        handler = self._handlers[type(command)]
        with self._serial, self._log.attributed(context):
            return self._gate.perform(context, command, lambda _, asked: handler(asked))


def actor_of(uid: int) -> str:
    """Who a user of this system is, for the record."""
    try:
        return f"os:{pwd.getpwuid(uid).pw_name}"
    except KeyError:  # a container may run as a user without a name
        return f"os:{uid}"


class _OperatorOnly:
    """The policy of these commands: the root of the operator's account may, none of its users."""

    def __init__(self, operator: AccountId) -> None:
        self._operator = operator

    def decide(self, intent: Intent) -> Decision:
        """See Policy."""
        caller = intent.context.caller
        if caller.account_id == self._operator and caller.principal.path == ROOT:
            return Allow("admin.operator")
        return Deny("only the operator administers a server", "admin.operator")


class _AdminSlot(Slot):
    """A slot with the entry that permits a command."""

    __slots__ = ("permission",)

    def __init__(self, permission: Pending, request_id: RequestId) -> None:
        super().__init__(permission.index, request_id)
        self.permission = permission


class _AdminRecorder:
    """Writes the ``adm`` entry of a command before it is carried out."""

    def __init__(self, log: AttributedLog) -> None:
        self._log = log

    def reserve(self, intent: Intent, decision: Decision) -> Slot:
        """See Recorder."""
        body = {
            "acct": intent.facts.get("account", ""),
            "d": "deny" if isinstance(decision, Deny) else "allow",
            "op": intent.operation,
        }
        write = self._log.commit if intent.properties.changes else self._log.append
        try:
            return _AdminSlot(write("adm", body=body), intent.context.request_id)
        except (LedgerUnavailableError, EntryError, BodyError) as error:
            raise UnavailableError("The ledger cannot be written now, so nothing was changed.") from error

    def enter(self, slot: Slot, outcome: UseOutcome) -> Callable[[], int | None]:
        """See Recorder. Commands have no steps: what comes of it is written at once."""
        receipt = self.record(slot, outcome)
        return lambda: None if receipt is None else receipt.index

    def record(self, slot: Slot, outcome: UseOutcome) -> GateReceipt | None:  # noqa: ARG002 - the port's signature
        """See Recorder. What a command came to is in entries of its own; the receipt is of its permission."""
        if not isinstance(slot, _AdminSlot):
            raise TypeError("this slot was reserved elsewhere")
        try:
            found = slot.permission.wait()
        except LedgerUnavailableError as error:
            raise UnavailableError("The ledger cannot be written now.") from error
        return GateReceipt(found.index, receipt_token(found))
