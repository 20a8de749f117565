"""Reviews over HTTP: ``/custodes/v1/reviews``, JSON, signed like every request of the API.

In: GET and POST requests with a signature for the API's own service and region. Out: reviews as JSON, or the API's
errors. The Rekognition API has no operation for this, so it is an interface of our own; it passes the same gate.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from custodes.core.errors import InvalidParameterError
from custodes.edge.aws.errors import SERIALIZATION, ApiError
from custodes.edge.endpoints.signed import SignedEndpoint
from custodes.governance.review import Review, ReviewVote
from custodes.operations.requests.context import Context
from custodes.operations.requests.gate import Gate
from custodes.operations.requests.receipts import Released
from custodes.operations.reviews.reviews import (
    MAX_LISTED,
    ConfirmReview,
    GetReview,
    ListReviews,
    OpenedReview,
    RejectReview,
    ReleaseReview,
    Reviews,
    Shown,
)

PATH = "/custodes/v1/reviews"
Answer = dict[str, Any]
Act = Callable[[Context, str, Mapping[str, Any]], Released[Answer]]


def actions(gate: Gate, reviews: Reviews) -> dict[str, Act]:
    """What can be done, by operation: (context, token of a review, members of the request) to the answer."""

    def listing(context: Context, _: str, members: Mapping[str, Any]) -> Released[Answer]:
        command = ListReviews(after=_text(members, "after") or None, limit=_number(members, "limit", MAX_LISTED))
        return gate.perform(context, command, reviews.listing).map(lambda found: _listed(found, command.limit))

    def show(context: Context, token: str, _: Mapping[str, Any]) -> Released[Answer]:
        return gate.perform(context, GetReview(token=token), reviews.show).map(_opened)

    def confirm(context: Context, token: str, members: Mapping[str, Any]) -> Released[Answer]:
        command = ConfirmReview(token=token, reason=_text(members, "reason"))
        return gate.perform(context, command, reviews.confirm).map(_opened)

    def reject(context: Context, token: str, members: Mapping[str, Any]) -> Released[Answer]:
        command = RejectReview(token=token, reason=_text(members, "reason"))
        return gate.perform(context, command, reviews.reject).map(_opened)

    def release(context: Context, token: str, _: Mapping[str, Any]) -> Released[Answer]:
        return gate.perform(context, ReleaseReview(token=token), reviews.release).map(_opened)

    return {
        "ListReviews": listing,
        "GetReview": show,
        "ConfirmReview": confirm,
        "RejectReview": reject,
        "ReleaseReview": release,
    }


def _listed(found: Sequence[Review], limit: int) -> Answer:
    answer: Answer = {"reviews": [_summary(review) for review in found]}
    if len(found) == limit:
        answer["next"] = found[-1].review_id
    return answer


def _summary(review: Review) -> Answer:
    return {
        "review_id": review.review_id,
        "state": review.state.value,
        "operation": review.operation,
        "collection_id": review.collection_id,
        "requester": review.requester.arn,
        "request_id": review.request_id,
        "created_ts_ms": review.created_ts_ms,
        "expires_ts_ms": review.expires_ts_ms,
        "candidates": len(review.candidates),
        "votes": [_vote(vote) for vote in review.votes],
    }


def _vote(vote: ReviewVote) -> Answer:
    return {
        "reviewer": vote.person.arn,
        "decision": "confirm" if vote.confirms else "reject",
        "ts_ms": vote.ts_ms,
        "reason": vote.reason,
    }


def _opened(opened: OpenedReview) -> Answer:
    answer = _summary(opened.review)
    answer["sealed"] = opened.sealed
    answer["candidates"] = [_candidate(each, sealed=opened.sealed) for each in opened.candidates]
    answer["picture_sha256"] = opened.review.picture_sha256
    if opened.picture is not None:
        answer["picture"] = b64encode(opened.picture).decode()
    return answer


def _candidate(shown: Shown, *, sealed: bool) -> Answer:
    answer: Answer = {
        "similarity": shown.similarity_pct,
        "face_token": shown.face_token,
        "token": shown.name_token,
    }
    if shown.face is not None:
        answer["face_id"] = shown.face.face_id
        answer["external_image_id"] = shown.face.external_image_id
        answer["user_id"] = shown.face.user_id
    elif shown.user is not None:
        answer["user_id"] = shown.user.user_id
    elif not sealed:
        answer["erased"] = True
    return answer


def members_of(query: bytes, raw: bytes) -> Mapping[str, Any]:
    """Members of a request: of its query, or of the JSON object in its body.

    Raises:
        ApiError: the body is not a JSON object.
    """
    members: dict[str, Any] = {name: values[-1] for name, values in parse_qs(query.decode("latin-1")).items()}
    if raw:
        try:
            parsed = orjson.loads(raw)
        except orjson.JSONDecodeError:
            parsed = None
        if not isinstance(parsed, dict):
            raise ApiError(SERIALIZATION, "The body must be a JSON object")
        members |= parsed
    return members


def routes(endpoint: SignedEndpoint, acts: Mapping[str, Act]) -> list[Route]:
    """Routes of the interface for ``acts``; none without any."""

    def of(operation: str) -> Callable[[Request], Any]:
        act = acts[operation]

        async def serve(request: Request) -> Response:
            token, query = str(request.path_params.get("token", "")), request.scope["query_string"]
            return await endpoint.serve(
                request, operation, lambda context, raw: act(context, token, members_of(query, raw))
            )

        return serve

    if not acts:
        return []
    return [
        Route(PATH, of("ListReviews"), methods=["GET"]),
        Route(PATH + "/{token}", of("GetReview"), methods=["GET"]),
        *(
            Route(f"{PATH}/{{token}}/{verb}", of(f"{verb.capitalize()}Review"), methods=["POST"])
            for verb in ("confirm", "reject", "release")
        ),
    ]


def _text(members: Mapping[str, Any], name: str) -> str:
    value = members.get(name, "")
    if not isinstance(value, str):
        raise InvalidParameterError(f"{name} is a text")
    return value


def _number(members: Mapping[str, Any], name: str, default: int) -> int:
    value = members.get(name, default)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidParameterError(f"{name} is a whole number")
    return value
