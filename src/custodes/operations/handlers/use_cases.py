"""What the operations on handlers do: keep documents, say what would come of them, run them.

In: commands within the gate. Out: documents, decisions, what was found. A run is a use of its own that states what the
handler is for, and each command in it is another: see ``run``. Events of a run are kept last, each with the place of
the run's permission.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from custodes.core.errors import NotFoundError, NotSupportedError
from custodes.core.ids import AccountId
from custodes.operations.handlers.commands import (
    DeleteHandler,
    GetHandler,
    ListHandlers,
    PutHandler,
    RunHandler,
    ValidateHandler,
    compiled,
)
from custodes.operations.handlers.document import HandlerDocument, StoreEvent, problems_of, read_document
from custodes.operations.handlers.ports import HandlerStore
from custodes.operations.handlers.run import FaceHandled, Handled, HandlerParts, HandlerRun, stated
from custodes.operations.images.sources import ImageInput
from custodes.operations.requests.context import Context
from custodes.operations.requests.gate import Deny, Gate, Permit
from custodes.operations.reviews.redaction import face_picture
from custodes.operations.streams.events import DAY_MS
from custodes.operations.streams.ports import StreamEventStore
from custodes.video.live.event import StreamEvent

MAX_HANDLERS = 100


@dataclass(frozen=True, slots=True)
class StepDecided:
    """What the rules would decide about one command: allowed, or the reason why not."""

    operation: str
    resource: str
    allowed: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Validated:
    """What is wrong with a document, and decisions about its commands; those only where nothing is."""

    problems: tuple[str, ...]
    steps: tuple[StepDecided, ...] = ()


@dataclass(frozen=True, slots=True)
class HandlerAdapters:
    """Where documents and events are."""

    documents: HandlerStore
    events: StreamEventStore


class HandlerOperations:
    """Handles the operations. Those on one handler raise NotFoundError where the account has none of this name."""

    def __init__(self, parts: HandlerParts, adapters: HandlerAdapters | None) -> None:
        """Keep documents and events in ``adapters``; without any, every operation is refused."""
        self._parts = parts
        self._adapters = adapters

    @property
    def _ports(self) -> HandlerAdapters:
        if self._adapters is None:
            raise NotSupportedError("This server was put together without handlers.")
        return self._adapters

    def put(self, permit: Permit, command: PutHandler) -> None:
        """Raises InvalidParameterError for a document that is not valid, QuotaError for too many."""
        compiled(read_document(command.document))
        self._ports.documents.put(_account(permit), command.name, command.document, MAX_HANDLERS)

    def get(self, permit: Permit, command: GetHandler) -> bytes:
        """The document."""
        return self._found(_account(permit), command.name)

    def names(self, permit: Permit, _: ListHandlers) -> Sequence[str]:
        """All, in order."""
        return self._ports.documents.names(_account(permit))

    def delete(self, permit: Permit, command: DeleteHandler) -> None:
        """Forget it."""
        if not self._ports.documents.drop(_account(permit), command.name):
            raise _none(command.name)

    def validate(self, gate: Gate) -> Callable[[Permit, ValidateHandler], Validated]:
        """What ``gate`` would decide about each command of a document; nothing is done and nothing is begun."""

        def run(permit: Permit, command: ValidateHandler) -> Validated:
            problems = problems_of(command.document)
            if problems:
                return Validated(problems)
            document = read_document(command.document)
            context = stated(permit.context, document)
            found = []
            for step in compiled(document):
                decision = gate.preview(context, step)
                reason = decision.reason if isinstance(decision, Deny) else ""
                allowed = not isinstance(decision, Deny)
                found.append(StepDecided(step.operation, step.resource(context.caller), allowed, reason))
            return Validated((), tuple(found))

        return run

    def as_stated(self, context: Context, command: RunHandler) -> tuple[Context, RunHandler]:
        """Context and command of a run, with what the handler states. Nothing changes where there is none."""
        raw = None if self._adapters is None else self._adapters.documents.find(context.caller.account_id, command.name)
        if raw is None:
            return context, command
        document = read_document(raw)
        return stated(context, document), replace(command, document=document)

    def run(self, gate: Gate) -> Callable[[Permit, RunHandler], Handled]:
        """Run a handler; every command in it passes ``gate``, too.

        What it raises is what its commands raise.
        """

        def run(permit: Permit, command: RunHandler) -> Handled:
            document = command.document
            if document is None:
                self._ports  # noqa: B018 - says first that there are no handlers at all
                raise _none(command.name)
            handled = HandlerRun(gate, self._parts, permit, document).run(command)
            self._keep(permit, command, document, handled)
            permit.tally.add(faces_handled=len(handled.faces))
            return handled

        return run

    def handle(self, gate: Gate) -> Callable[[Context, str, StreamEvent], None]:
        """Run a handler on the picture of an event of a live stream, for whoever started that."""

        def handle(context: Context, name: str, event: StreamEvent) -> None:
            source = f"{event.processor}#track={event.track}"
            command = RunHandler(name=name, image=ImageInput(event.picture), source=source, taken_ts_ms=event.ts_ms)
            gate.perform(*self.as_stated(context, command), self.run(gate))

        return handle

    def _keep(self, permit: Permit, command: RunHandler, document: HandlerDocument, handled: Handled) -> None:
        wanted = document.store.event
        if wanted is None:
            return
        told = [
            (number, one)
            for number, one in enumerate(handled.faces)
            if not one.poor and wanted.when.holds(one.best, one.tags)
        ]
        if not told:
            return
        events = [_event(permit, command, document, wanted, (number, one, handled)) for number, one in told]
        for (_, one), place in zip(told, self._ports.events.add(events), strict=True):
            one.event_place = place

    def _found(self, account_id: AccountId, name: str) -> bytes:
        found = self._ports.documents.find(account_id, name)
        if found is None:
            raise _none(name)
        return found


def _event(
    permit: Permit,
    command: RunHandler,
    document: HandlerDocument,
    wanted: StoreEvent,
    seen: tuple[int, FaceHandled, Handled],
) -> StreamEvent:
    number, one, handled = seen
    best = max((each for each in one.candidates if each.face_id), key=lambda each: each.similarity_pct, default=None)
    box = one.face.box_px.to_ratio(handled.found.size)
    now_ms = permit.context.ts_ms
    return StreamEvent(
        permit.context.caller.account_id,
        command.name,
        hashlib.sha256(permit.context.request_id.encode()).hexdigest()[:12],
        command.source,
        number,
        now_ms if command.taken_ts_ms is None else command.taken_ts_ms,
        now_ms + wanted.days * DAY_MS,
        (box.left, box.top, box.width, box.height),
        one.face.confidence_pct,
        best.collection_id if best is not None else (document.match[0].collection if document.match else ""),
        face_id=None if best is None else best.face_id,
        external_image_id=None if best is None else best.external_image_id,
        similarity_pct=None if best is None else best.similarity_pct,
        picture=face_picture(handled.image, one.face) if wanted.picture else b"",
        ledger_index=permit.slot.index,
        tags=tuple(one.tags),
        destinations=document.notify,
    )


def _account(permit: Permit) -> AccountId:
    return permit.context.caller.account_id


def _none(name: str) -> NotFoundError:
    return NotFoundError(f"There is no handler {name}.")
