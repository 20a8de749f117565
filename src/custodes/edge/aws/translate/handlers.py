"""Operations on handlers, and VerifyUser, between members of our own model and commands."""

from __future__ import annotations

from functools import partial

from custodes.core.ids import CollectionId, UserId
from custodes.edge.aws.translate.face_detail import face_detail
from custodes.edge.aws.translate.members import bounding_box, image_input, quality_filter
from custodes.edge.aws.translate.route import Output, Params, gated, nothing
from custodes.edge.aws.translate.streams.events import moment_ms
from custodes.edge.aws.wire import Handler
from custodes.engine.results.face import QualityFilter
from custodes.operations.collections.search import DEFAULT_THRESHOLD_PCT
from custodes.operations.handlers.commands import (
    DeleteHandler,
    GetHandler,
    ListHandlers,
    PutHandler,
    RunHandler,
    ValidateHandler,
)
from custodes.operations.handlers.run import FaceHandled, Handled, ListCandidate
from custodes.operations.handlers.use_cases import HandlerOperations, Validated
from custodes.operations.handlers.verify import PhotoVerified, UserVerified, Verification, VerifyUser
from custodes.operations.requests.context import Context
from custodes.operations.requests.gate import Gate
from custodes.operations.requests.receipts import Released


def handlers(gate: Gate, operations: HandlerOperations, verification: Verification) -> dict[str, Handler]:
    """The handlers by operation."""
    return {
        "PutHandler": gated(gate, _put_command, operations.put, nothing),
        "GetHandler": gated(gate, _get_command, operations.get, _document_output),
        "ListHandlers": gated(gate, lambda _: ListHandlers(), operations.names, lambda names: {"Names": list(names)}),
        "DeleteHandler": gated(gate, _delete_command, operations.delete, nothing),
        "ValidateHandler": gated(gate, _validate_command, operations.validate(gate), _validated_output),
        "RunHandler": partial(_run, gate, operations),
        "VerifyUser": gated(gate, _verify_command, verification.verify, _verified_output),
    }


def _run(gate: Gate, operations: HandlerOperations, context: Context, params: Params) -> Released[Params]:
    command = RunHandler(
        name=params["Name"],
        image=image_input(params["Image"]),
        source=params.get("Source", ""),
        taken_ts_ms=moment_ms("Taken", params["Taken"], context.ts_ms) if "Taken" in params else None,
    )
    stated_context, command = operations.as_stated(context, command)
    return gate.perform(stated_context, command, operations.run(gate)).map(_handled_output)


def _put_command(params: Params) -> PutHandler:
    return PutHandler(name=params["Name"], document=params["Document"].encode())


def _get_command(params: Params) -> GetHandler:
    return GetHandler(name=params["Name"])


def _delete_command(params: Params) -> DeleteHandler:
    return DeleteHandler(name=params["Name"])


def _validate_command(params: Params) -> ValidateHandler:
    return ValidateHandler(document=params["Document"].encode())


def _verify_command(params: Params) -> VerifyUser:
    return VerifyUser(
        collection_id=CollectionId(params["CollectionId"]),
        user_id=UserId(params["UserId"]),
        images=tuple(image_input(image) for image in params["Images"]),
        threshold_pct=params.get("Threshold", DEFAULT_THRESHOLD_PCT),
        quality_filter=quality_filter(params, QualityFilter.NONE),
    )


def _document_output(document: bytes) -> Output:
    return {"Document": document.decode()}


def _validated_output(found: Validated) -> Output:
    return {
        "Valid": not found.problems,
        "Problems": list(found.problems),
        "Steps": [
            {
                "Operation": step.operation,
                "Resource": step.resource,
                "Allowed": step.allowed,
                "Reason": step.reason or None,
            }
            for step in found.steps
        ],
    }


def _handled_output(handled: Handled) -> Output:
    return {
        "Faces": [_face(handled, face) for face in handled.faces],
        "Steps": [{"Operation": one.operation, "LedgerIndex": one.ledger_index} for one in handled.performed],
    }


def _face(handled: Handled, one: FaceHandled) -> Output:
    return {
        "Face": face_detail(one.face, handled.found.size, handled.attributes),
        "Passed": not one.poor,
        "Poor": list(one.poor),
        "Candidates": [_candidate(each) for each in one.candidates],
        "Tags": list(one.tags),
        "EnrolledFaceId": one.enrolled_face_id,
        "EventPlace": one.event_place,
    }


def _candidate(one: ListCandidate) -> Output:
    return {
        "List": one.list_name,
        "CollectionId": one.collection_id,
        "Similarity": one.similarity_pct,
        "FaceId": one.face_id,
        "ExternalImageId": one.external_image_id,
        "UserId": one.user_id,
    }


def _verified_output(found: UserVerified) -> Output:
    weakest = found.weakest
    return {
        "Passed": found.passed,
        "Similarity": None if weakest is None else weakest.similarity_pct,
        "FalseMatchRate": None if weakest is None else weakest.false_match_rate,
        "Photos": [_photo(photo) for photo in found.photos],
    }


def _photo(photo: PhotoVerified) -> Output:
    box = None if photo.face is None else bounding_box(photo.face.box_px.to_ratio(photo.size))
    return {
        "Passed": photo.passed,
        "BoundingBox": box,
        "Similarity": photo.similarity_pct,
        "FalseMatchRate": photo.false_match_rate,
    }
