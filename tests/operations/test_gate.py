"""The gate: order of steps, refusals on record, failing closed; and that every handler passes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from custodes.core.errors import CustodesError, DeniedError, InvalidParameterError, UnavailableError
from custodes.core.slot import SlotClosedError
from custodes.operations.requests.command import Command
from custodes.operations.requests.context import Context
from custodes.operations.requests.gate import AllowAll, CountingRecorder, Deny, Gate, Permit, Step
from custodes.operations.requests.properties import CHANGES, Properties
from custodes.operations.requests.receipts import receipt_of
from tests.fakes.engine import Square, picture
from tests.fakes.records import KeepingRecorder, ScriptedPolicy

IMAGE = {"Bytes": picture(Square(1))}
ARN = "arn:aws:rekognition:eu-central-1:123456789012:collection/people"
PROJECT = "arn:aws:rekognition:eu-central-1:123456789012:project/parts/1700000000000"
FACE = "12345678-1234-4123-8123-123456789012"
ON_COLLECTION = {"CollectionId": "people"}
ON_USER = {**ON_COLLECTION, "UserId": "ann"}

VIDEO = {"S3Object": {"Bucket": "films", "Name": "a.mp4"}}
FAMILIES = (
    "CelebrityRecognition",
    "ContentModeration",
    "FaceDetection",
    "FaceSearch",
    "LabelDetection",
    "PersonTracking",
    "SegmentDetection",
    "TextDetection",
)

CALLS: dict[str, dict[str, Any]] = {
    "AssessFaceQuality": {"Image": IMAGE},
    "AssessLiveness": {"Image": IMAGE},
    "DescribePersons": {"Image": IMAGE},
    "DetectFaces": {"Image": IMAGE},
    "DetectLabels": {"Image": IMAGE},
    "DetectModerationLabels": {"Image": IMAGE},
    "DetectProtectiveEquipment": {"Image": IMAGE},
    "DetectText": {"Image": IMAGE},
    "RecognizeCelebrities": {"Image": IMAGE},
    "GetCelebrityInfo": {"Id": "3LvPP6oYFV"},
    "CompareFaces": {"SourceImage": IMAGE, "TargetImage": IMAGE},
    "CreateCollection": ON_COLLECTION,
    "DescribeCollection": ON_COLLECTION,
    "ListCollections": {},
    "DeleteCollection": ON_COLLECTION,
    "IndexFaces": {**ON_COLLECTION, "Image": IMAGE},
    "ListFaces": ON_COLLECTION,
    "DeleteFaces": {**ON_COLLECTION, "FaceIds": [FACE]},
    "CreateStreamProcessor": {
        "Name": "front",
        "Input": {},
        "Output": {},
        "Settings": {},
        "RoleArn": "arn:aws:iam::123456789012:role/streams",
    },
    **{f"{verb}StreamProcessor": {"Name": "front"} for verb in ("Describe", "Start", "Stop", "Update", "Delete")},
    "ListStreamProcessors": {},
    "ListStreamEvents": {},
    **{f"{verb}Handler": {"Name": "gate"} for verb in ("Get", "Delete")},
    "PutHandler": {"Name": "gate", "Document": "{}"},
    "ListHandlers": {},
    "ExportFaces": ON_COLLECTION,
    "ImportFaces": {**ON_COLLECTION, "FaceModelVersion": "test-1", "Faces": []},
    "ReembedFaces": {**ON_COLLECTION, "Image": IMAGE, "FaceIds": [FACE]},
    "ListFacesToReembed": ON_COLLECTION,
    "SwitchFaceModel": ON_COLLECTION,
    "StartDuplicateSearch": ON_COLLECTION,
    "StartFaceClustering": ON_COLLECTION,
    "StartCrossMatch": {**ON_COLLECTION, "OtherCollectionId": "others"},
    "StartCalibration": ON_COLLECTION,
    "StartBulkEnrolment": {**ON_COLLECTION, "Bucket": "photos"},
    "GetTask": {"TaskId": "f" * 64},
    "StopTask": {"TaskId": "f" * 64},
    "ListTasks": {},
    "ValidateHandler": {"Document": "{}"},
    "RunHandler": {"Name": "gate", "Image": IMAGE},
    "VerifyUser": {**ON_USER, "Images": [IMAGE]},
    "CorrectStreamEvent": {"Place": 1},
    "CreateAccountStatement": {},
    "GetErasureCertificate": {"FaceId": FACE},
    "GetInvoice": {"Month": "2026-03"},
    "ListInvoices": {},
    "GetFaceThumbnails": {**ON_COLLECTION, "FaceIds": [FACE]},
    "SearchFaces": {**ON_COLLECTION, "FaceId": FACE},
    "SearchFacesByImage": {**ON_COLLECTION, "Image": IMAGE},
    "CreateUser": ON_USER,
    "DeleteUser": ON_USER,
    "ListUsers": ON_COLLECTION,
    "AssociateFaces": {**ON_USER, "FaceIds": [FACE]},
    "DisassociateFaces": {**ON_USER, "FaceIds": [FACE]},
    "SearchUsers": {**ON_USER},
    "SearchUsersByImage": {**ON_COLLECTION, "Image": IMAGE},
    "TagResource": {"ResourceArn": ARN, "Tags": {"a": "b"}},
    "UntagResource": {"ResourceArn": ARN, "TagKeys": ["a"]},
    "ListTagsForResource": {"ResourceArn": ARN},
    "CreateFaceLivenessSession": {},
    "GetFaceLivenessSessionResults": {"SessionId": "11111111-1111-4111-8111-111111111111"},
    "CreateProject": {"ProjectName": "parts"},
    "DescribeProjects": {},
    "DeleteProject": {"ProjectArn": PROJECT},
    "PutProjectPolicy": {"ProjectArn": PROJECT, "PolicyName": "copy", "PolicyDocument": "{}"},
    "ListProjectPolicies": {"ProjectArn": PROJECT},
    "DeleteProjectPolicy": {"ProjectArn": PROJECT, "PolicyName": "copy"},
    "CreateDataset": {"ProjectArn": PROJECT, "DatasetType": "TRAIN"},
    **{f"{verb}Dataset": {"DatasetArn": PROJECT} for verb in ("Describe", "Delete")},
    **{f"ListDataset{what}": {"DatasetArn": PROJECT} for what in ("Entries", "Labels")},
    "UpdateDatasetEntries": {"DatasetArn": PROJECT, "Changes": {"GroundTruth": b"{}"}},
    "DistributeDatasetEntries": {"Datasets": [{"Arn": PROJECT}, {"Arn": PROJECT}]},
    "CreateProjectVersion": {"ProjectArn": PROJECT, "VersionName": "1", "OutputConfig": {"S3Bucket": "out"}},
    "DescribeProjectVersions": {"ProjectArn": PROJECT},
    "CopyProjectVersion": {
        "SourceProjectArn": PROJECT,
        "SourceProjectVersionArn": PROJECT,
        "DestinationProjectArn": PROJECT,
        "VersionName": "1",
        "OutputConfig": {"S3Bucket": "out"},
    },
    "StartProjectVersion": {"ProjectVersionArn": PROJECT, "MinInferenceUnits": 1},
    **{f"{verb}ProjectVersion": {"ProjectVersionArn": PROJECT} for verb in ("Stop", "Delete")},
    "DetectCustomLabels": {"ProjectVersionArn": PROJECT, "Image": IMAGE},
    "StartMediaAnalysisJob": {
        "OperationsConfig": {},
        "Input": {"S3Object": VIDEO["S3Object"]},
        "OutputConfig": {"S3Bucket": "out"},
    },
    "GetMediaAnalysisJob": {"JobId": "f" * 64},
    "ListMediaAnalysisJobs": {},
    **{f"Start{family}": {"Video": VIDEO} for family in FAMILIES},
    **{f"Get{family}": {"JobId": "f" * 64} for family in FAMILIES},
    "StartFaceSearch": {**ON_COLLECTION, "Video": VIDEO},
}
ANYWHERE = {operation for operation in CALLS if operation.startswith(("Assess", "Detect"))} | {
    "CompareFaces",
    "DescribePersons",
    "CorrectStreamEvent",
    "CreateAccountStatement",
    "CreateFaceLivenessSession",
    "DescribeProjects",
    "GetErasureCertificate",
    "GetInvoice",
    "ListInvoices",
    "GetCelebrityInfo",
    "GetFaceLivenessSessionResults",
    "GetMediaAnalysisJob",
    "ListMediaAnalysisJobs",
    "StartMediaAnalysisJob",
    "ListCollections",
    "GetTask",
    "ListHandlers",
    "ListTasks",
    "StopTask",
    "ListStreamEvents",
    "ValidateHandler",
    "ListStreamProcessors",
    "RecognizeCelebrities",
    *(f"Get{family}" for family in FAMILIES),
    *(f"Start{family}" for family in FAMILIES if family != "FaceSearch"),
}


def test_the_table_above_has_every_handler(server):
    assert server.handlers.keys() == CALLS.keys()


@pytest.mark.parametrize("operation", CALLS)
def test_every_handler_is_gated(server, operation):
    server.policy.decision = Deny("the moratorium is in force", "rule-7")
    with pytest.raises(DeniedError) as refusal:
        server.call(operation, **CALLS[operation])
    resource = "*" if operation in ANYWHERE else ARN
    if "Name" in CALLS[operation] and operation.endswith("Handler"):
        resource = ARN.replace("collection/people", "handler/gate")
    elif operation.endswith("StreamProcessor"):
        resource = ARN.replace("collection/people", "streamprocessor/front")
    elif PROJECT in str(CALLS[operation]):
        resource = PROJECT
    elif operation == "CreateProject":
        resource = ARN.replace("collection/people", "project/parts/*")
    assert refusal.value.message == (
        f"User: arn:aws:iam::123456789012:user/ann is not authorized to perform: rekognition:{operation} "
        f"on resource: {resource} because the moratorium is in force"
    )
    (intent,) = server.policy.intents
    assert server.recorder.reserved == [(intent, server.policy.decision)], "the record holds the decision"
    assert (intent.action, intent.resource) == (f"rekognition:{operation}", resource)
    assert [outcome.code for outcome in server.recorder.outcomes] == ["Denied"]
    assert server.recorder.outcomes[0].rule_id == "rule-7"
    assert server.engine.details == [], "nothing was computed"
    server.policy.decision = AllowAll().decide(intent)
    assert server.call("ListCollections")["CollectionIds"] == [], "nothing was changed"


@pytest.mark.parametrize("operation", CALLS)
@pytest.mark.parametrize("failure", [UnavailableError("disk"), OSError("disk")])
def test_no_handler_works_without_a_record(server, operation, failure):
    server.recorder.fail_reserve = failure
    with pytest.raises(UnavailableError):
        server.call(operation, **CALLS[operation])
    assert server.engine.details == []
    server.recorder.fail_reserve = None
    assert server.call("ListCollections")["CollectionIds"] == []


@pytest.mark.parametrize("operation", CALLS)
def test_every_run_is_recorded_once_and_its_slot_closed(server, operation):
    try:
        server.call(operation, **CALLS[operation])
    except CustodesError as error:
        expected = type(error).__name__
    else:
        expected = "Done"
    assert [outcome.code for outcome in server.recorder.outcomes] == [expected]
    (slot,) = server.recorder.slots
    with pytest.raises(SlotClosedError):
        slot.require_open()


@pytest.mark.parametrize("failure", [UnavailableError("disk"), OSError("disk")])
def test_what_cannot_be_recorded_is_not_released(server, failure):
    server.recorder.fail_record = failure
    with pytest.raises(UnavailableError):
        server.call("DetectFaces", Image=IMAGE)


def test_units_and_no_content_are_recorded(server):
    server.collection()
    server.call("IndexFaces", CollectionId="people", Image={"Bytes": picture(Square(1), Square(2, left=100))})
    outcome = server.recorder.outcomes[-1]
    assert (outcome.images, outcome.counts) == (1, {"faces_detected": 2, "faces_enrolled": 2})
    assert b"PNG" not in repr((server.recorder.reserved, server.recorder.outcomes)).encode()


def test_images_of_failed_calls_are_counted_as_far_as_they_got(server):
    server.collection()
    with pytest.raises(InvalidParameterError):
        server.call("SearchFacesByImage", CollectionId="people", Image={"Bytes": picture()})
    assert server.recorder.outcomes[-1].images == 1
    with pytest.raises(CustodesError):
        server.call("SearchFacesByImage", CollectionId="people", Image={"Bytes": b"not a picture"})
    assert server.recorder.outcomes[-1].images == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Try(Command):
    operation: ClassVar[str] = "Try"
    properties = CHANGES


def test_a_defect_is_recorded_as_failed_and_passes_through(server, request_context):
    recorder = KeepingRecorder()

    def broken(permit: Permit, command: Try) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Gate(ScriptedPolicy(), recorder).perform(request_context, Try(), broken)
    assert [outcome.code for outcome in recorder.outcomes] == ["Failed"]


def test_result_is_released_with_its_receipt(request_context):
    recorder = KeepingRecorder()

    def work(permit: Permit, command: Try) -> int:
        permit.slot.require_open()
        assert recorder.outcomes == [], "recorded after the run"
        return 7

    released = Gate(ScriptedPolicy(), recorder).perform(request_context, Try(), work)
    assert (released.result, released.receipt.index) == (7, 0)


def test_counting_recorder_counts(request_context):
    recorder = CountingRecorder()
    gate = Gate(AllowAll(), recorder)
    for _ in range(3):
        assert gate.perform(request_context, Try(), lambda permit, command: permit.slot.index).receipt is None
    assert recorder.counts() == {("rekognition:Try", "Done"): 3}


def test_a_result_is_not_handed_out_to_an_account_suspended_meanwhile(request_context):
    recorder, active = KeepingRecorder(), {request_context.caller.account_id}

    def work(permit: Permit, command: Try) -> int:
        permit.tally.images += 1
        active.clear()
        return 7

    gate = Gate(ScriptedPolicy(), recorder, lambda account: account in active)
    with pytest.raises(DeniedError, match="out of use"):
        gate.perform(request_context, Try(), work)
    assert [outcome.code for outcome in recorder.outcomes] == ["DeniedError"]


class _Whole(Command):
    operation: ClassVar[str] = "Whole"
    properties: ClassVar[Properties] = CHANGES


class _Part(Command):
    operation: ClassVar[str] = "Part"
    properties: ClassVar[Properties] = CHANGES


def test_a_step_is_decided_and_recorded_for_itself_before_the_whole_leaves(
    request_context: Context,
) -> None:
    policy, recorder = ScriptedPolicy(), KeepingRecorder()
    gate = Gate(policy, recorder)

    def part(permit: Permit, _: _Part) -> str:
        permit.tally.add(faces_searched=1)
        return "found"

    def whole(permit: Permit, _: _Whole) -> Step[str]:
        return gate.perform_step(permit, request_context, _Part(), part)

    released = gate.perform(request_context, _Whole(), whole)
    assert [intent.operation for intent in policy.intents] == ["Whole", "Part"]
    assert [dict(outcome.counts) for outcome in recorder.outcomes] == [{"faces_searched": 1}, {}]
    assert (released.result.result, released.result.entered.index) == ("found", 1)
    recorder.fail_enter = OSError("no space")
    with pytest.raises(UnavailableError):
        gate.perform(request_context, _Whole(), whole)


def test_what_a_step_raises_is_on_record_and_its_receipt_is_of_the_whole(request_context: Context) -> None:
    recorder = KeepingRecorder()
    gate = Gate(ScriptedPolicy(), recorder)

    def whole(permit: Permit, _: _Whole) -> None:
        gate.perform_step(permit, request_context, _Part(), _refused)

    with pytest.raises(DeniedError) as caught:
        gate.perform(request_context, _Whole(), whole)
    assert [outcome.code for outcome in recorder.outcomes] == ["DeniedError", "DeniedError"]
    receipt = receipt_of(caught.value)
    assert receipt is not None and receipt.index == 0


def _refused(_permit: Permit, _command: Command) -> None:
    raise DeniedError("no")
