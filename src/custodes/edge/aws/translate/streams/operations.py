"""The seven operations on stream processors between AWS members and commands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from custodes.edge.aws.translate.images.text import region_of_interest
from custodes.edge.aws.translate.route import Output, Params, gated, nothing
from custodes.edge.aws.wire import Handler
from custodes.operations.requests.arn import processor_arn
from custodes.operations.requests.context import Context
from custodes.operations.requests.gate import Gate
from custodes.operations.requests.receipts import Released
from custodes.operations.streams.commands import (
    CreateStreamProcessor,
    DeleteStreamProcessor,
    DescribeStreamProcessor,
    ListStreamProcessors,
    StartStreamProcessor,
    StopStreamProcessor,
    UpdateStreamProcessor,
)
from custodes.operations.streams.use_cases import StreamOperations
from custodes.video.live.processor import FaceTask, LabelTask, StreamProcessor


def handlers(gate: Gate, streams: StreamOperations, region: str) -> dict[str, Handler]:
    """Handlers of this family by operation."""

    def start(context: Context, params: Params) -> Released[Params]:
        # Rules look at the search that a processor was made for, and at what its tags state about it.
        stated, command = streams.as_stated(context, _start(params))
        return gate.perform(stated, command, streams.start).map(_started)

    return {
        "CreateStreamProcessor": gated(
            gate,
            _create,
            streams.create,
            lambda made: {"StreamProcessorArn": processor_arn(region, made.account_id, made.name)},
        ),
        "DescribeStreamProcessor": gated(
            gate,
            lambda params: DescribeStreamProcessor(name=params["Name"]),
            streams.describe,
            lambda found: described(region, found),
        ),
        "ListStreamProcessors": gated(
            gate,
            lambda params: ListStreamProcessors(
                max_results=params.get("MaxResults"), next_token=params.get("NextToken")
            ),
            streams.list,
            _listed,
        ),
        "StartStreamProcessor": start,
        "StopStreamProcessor": gated(
            gate, lambda params: StopStreamProcessor(name=params["Name"]), streams.stop, nothing
        ),
        "UpdateStreamProcessor": gated(gate, _update, streams.update, nothing),
        "DeleteStreamProcessor": gated(
            gate, lambda params: DeleteStreamProcessor(name=params["Name"]), streams.delete, nothing
        ),
    }


def described(region: str, processor: StreamProcessor) -> Output:
    """The output of DescribeStreamProcessor."""
    task = processor.task
    output: Output = {
        "Name": processor.name,
        "StreamProcessorArn": processor_arn(region, processor.account_id, processor.name),
        "Status": processor.state.value,
        "CreationTimestamp": _moment(processor.created_ts_ms),
        "LastUpdateTimestamp": _moment(processor.updated_ts_ms),
        "Input": {"KinesisVideoStream": {"Arn": processor.source_arn}},
        "RoleArn": processor.role_arn,
        **(_faces(task) if isinstance(task, FaceTask) else _labels(task)),
    }
    if processor.message is not None:
        output["StatusMessage"] = processor.message
    if processor.kms_key_id is not None:
        output["KmsKeyId"] = processor.kms_key_id
    if processor.opt_in is not None:
        output["DataSharingPreference"] = {"OptIn": processor.opt_in}
    return output


def _faces(task: FaceTask) -> Output:
    return {
        "Output": {"KinesisDataStream": {"Arn": task.output_arn}},
        "Settings": {
            "FaceSearch": {"CollectionId": task.collection_id, "FaceMatchThreshold": task.threshold_pct},
        },
    }


def _labels(task: LabelTask) -> Output:
    output: Output = {
        "Output": {"S3Destination": {"Bucket": task.bucket, "KeyPrefix": task.key_prefix}},
        "Settings": {"ConnectedHome": {"Labels": list(task.labels), "MinConfidence": task.min_confidence_pct}},
    }
    if task.topic_arn is not None:
        output["NotificationChannel"] = {"SNSTopicArn": task.topic_arn}
    if task.regions:
        output["RegionsOfInterest"] = [{"Polygon": [{"X": x, "Y": y} for x, y in region]} for region in task.regions]
    return output


def _moment(ts_ms: int) -> datetime:
    return datetime.fromtimestamp(ts_ms / 1000, UTC)


def _create(params: Params) -> CreateStreamProcessor:
    output, settings = params["Output"], params["Settings"]
    bucket = output.get("S3Destination", {})
    return CreateStreamProcessor(
        name=params["Name"],
        source_arn=params["Input"].get("KinesisVideoStream", {}).get("Arn"),
        role_arn=params["RoleArn"],
        face_search=dict(settings["FaceSearch"]) if "FaceSearch" in settings else None,
        connected_home=dict(settings["ConnectedHome"]) if "ConnectedHome" in settings else None,
        kinesis_arn=output.get("KinesisDataStream", {}).get("Arn"),
        bucket=bucket.get("Bucket"),
        key_prefix=bucket.get("KeyPrefix", ""),
        topic_arn=params.get("NotificationChannel", {}).get("SNSTopicArn"),
        kms_key_id=params.get("KmsKeyId"),
        opt_in=params.get("DataSharingPreference", {}).get("OptIn"),
        regions=_regions(params.get("RegionsOfInterest", ())),
        tags=params.get("Tags", {}),
    )


def _regions(regions: Sequence[Mapping[str, Any]]) -> tuple[tuple[tuple[float, float], ...], ...]:
    return tuple(tuple((float(x), float(y)) for x, y in region_of_interest(region)) for region in regions)


def _start(params: Params) -> StartStreamProcessor:
    selector = params.get("StartSelector", {}).get("KVSStreamStartSelector")
    return StartStreamProcessor(
        name=params["Name"],
        start_selector=None if selector is None else _lower_camel(selector),
        max_duration_s=params.get("StopSelector", {}).get("MaxDurationInSeconds"),
        has_stop_selector="StopSelector" in params,
    )


def _lower_camel(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name[0].lower() + name[1:]: value for name, value in members.items()}


def _started(processor: StreamProcessor) -> Output:
    if isinstance(processor.task, FaceTask) or processor.run is None:
        return {}
    return {"SessionId": processor.run.session_id}


def _listed(page: tuple[Sequence[StreamProcessor], str | None]) -> Output:
    found, token = page
    output: Output = {"StreamProcessors": [{"Name": one.name, "Status": one.state.value} for one in found]}
    return output if token is None else {**output, "NextToken": token}


def _update(params: Params) -> UpdateStreamProcessor:
    home = params.get("SettingsForUpdate", {}).get("ConnectedHomeForUpdate", {})
    labels = home.get("Labels")
    regions = params.get("RegionsOfInterestForUpdate")
    return UpdateStreamProcessor(
        name=params["Name"],
        labels=None if labels is None else tuple(labels),
        min_confidence_pct=home.get("MinConfidence"),
        regions=None if regions is None else _regions(regions),
        opt_in=params.get("DataSharingPreferenceForUpdate", {}).get("OptIn"),
        drops=frozenset(params.get("ParametersToDelete", ())),
    )
