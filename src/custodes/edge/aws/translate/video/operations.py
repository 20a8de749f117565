"""The sixteen operations on stored video between AWS members and commands.

Options of a Start are kept as the request has them, but for text filters, whose regions become polygons here: ratios
are made nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from custodes.edge.aws.translate.images.text import region_of_interest, word_filter
from custodes.edge.aws.translate.route import Output, Params, gated
from custodes.edge.aws.translate.video.results import page_output
from custodes.edge.aws.wire import Handler
from custodes.jobs.job import JobId
from custodes.operations.images.ports import S3Object
from custodes.operations.requests.gate import Gate
from custodes.operations.video.commands import (
    GET_COMMANDS,
    START_COMMANDS,
    Channel,
    GetVideo,
    StartVideo,
)
from custodes.operations.video.use_cases import VideoOperations

_SHARED = frozenset({"Video", "ClientRequestToken", "JobTag", "NotificationChannel"})


def handlers(gate: Gate, video: VideoOperations) -> dict[str, Handler]:
    """Handlers of this family by operation."""
    starts = {
        name: gated(gate, _start_command(command), video.start, lambda job_id: {"JobId": job_id})
        for name, command in START_COMMANDS.items()
    }
    gets = {
        name: gated(gate, _get_command(command, video.threshold_pct), video.get, page_output(name))
        for name, command in GET_COMMANDS.items()
    }
    return {**starts, **gets}


def _start_command(kind: type[StartVideo]) -> Callable[[Params], StartVideo]:
    def parse(params: Params) -> StartVideo:
        where = params["Video"].get("S3Object", {})
        told = params.get("NotificationChannel")
        return kind(
            video=S3Object(where.get("Bucket", ""), where.get("Name", ""), where.get("Version")),
            options=_options(kind, params),
            token=params.get("ClientRequestToken"),
            tag=params.get("JobTag"),
            channel=None if told is None else Channel(told["SNSTopicArn"], told["RoleArn"]),
        )

    return parse


def _options(kind: type[StartVideo], params: Params) -> Output:
    if kind.operation != "StartTextDetection":
        return {name: _plain(value) for name, value in params.items() if name not in _SHARED}
    filters = params.get("Filters", {})
    options: Output = {"regions": [region_of_interest(region) for region in filters.get("RegionsOfInterest", ())]}
    if "WordFilter" in filters:
        limits = word_filter(filters["WordFilter"])
        options["words"] = [limits.min_confidence_pct, limits.min_height, limits.min_width]
    return options


def _plain(value: Any) -> Any:
    """The same in plain dictionaries and lists."""
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list) else value


def _get_command(kind: type[GetVideo], threshold_of: Callable[[JobId], float | None]) -> Callable[[Params], GetVideo]:
    def parse(params: Params) -> GetVideo:
        job_id = JobId(params["JobId"])
        return kind(
            job_id=job_id,
            max_results=params.get("MaxResults"),
            # The service's own sample programs begin with an empty one.
            next_token=params.get("NextToken") or None,
            sort_by=params.get("SortBy"),
            aggregate_by=params.get("AggregateBy"),
            threshold_pct=threshold_of(job_id) if kind.operation == "GetFaceSearch" else None,
        )

    return parse
