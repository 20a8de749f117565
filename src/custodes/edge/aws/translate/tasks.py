"""Operations on tasks between members of our own model and commands."""

from __future__ import annotations

from datetime import UTC, datetime

from custodes.core.ids import CollectionId
from custodes.edge.aws.translate.members import collection_id
from custodes.edge.aws.translate.route import Output, Params, gated, nothing
from custodes.edge.aws.wire import Handler
from custodes.jobs.job import Job, JobId
from custodes.operations.requests.gate import Gate
from custodes.operations.tasks.commands import (
    APART_PCT,
    SURE_PCT,
    GetTask,
    LabelBy,
    ListTasks,
    NameBy,
    On,
    StartBulkEnrolment,
    StartCalibration,
    StartCrossMatch,
    StartDuplicateSearch,
    StartFaceClustering,
    StopTask,
)
from custodes.operations.tasks.findings import TaskSummary
from custodes.operations.tasks.use_cases import FindingTold, TaskOperations, TaskTold


def handlers(gate: Gate, tasks: TaskOperations) -> dict[str, Handler]:
    """The handlers by operation."""
    return {
        "StartDuplicateSearch": gated(gate, _duplicates, tasks.start, _started),
        "StartFaceClustering": gated(gate, _clustering, tasks.start, _started),
        "StartCrossMatch": gated(gate, _cross, tasks.start, _started),
        "StartBulkEnrolment": gated(gate, _enrolment, tasks.start, _started),
        "StartCalibration": gated(gate, _calibration, tasks.start, _started),
        "GetTask": gated(gate, _get, tasks.get, _told),
        "ListTasks": gated(
            gate, lambda _: ListTasks(), tasks.listing, lambda jobs: {"Tasks": [_job(one) for one in jobs]}
        ),
        "StopTask": gated(gate, lambda params: StopTask(task_id=params["TaskId"]), tasks.stop, nothing),
    }


def _duplicates(params: Params) -> StartDuplicateSearch:
    return StartDuplicateSearch(collection_id=collection_id(params), threshold_pct=params.get("Threshold", SURE_PCT))


def _clustering(params: Params) -> StartFaceClustering:
    return StartFaceClustering(
        collection_id=collection_id(params),
        threshold_pct=params.get("Threshold", SURE_PCT),
        apart_pct=params.get("ApartThreshold", APART_PCT),
    )


def _cross(params: Params) -> StartCrossMatch:
    return StartCrossMatch(
        collection_id=collection_id(params),
        other_collection_id=CollectionId(params["OtherCollectionId"]),
        threshold_pct=params.get("Threshold", SURE_PCT),
        on=On(params.get("On", On.LOCAL)),
    )


def _enrolment(params: Params) -> StartBulkEnrolment:
    return StartBulkEnrolment(
        collection_id=collection_id(params),
        bucket=params["Bucket"],
        prefix=params.get("Prefix", ""),
        name_by=NameBy(params.get("NameBy", NameBy.FOLDER)),
        max_faces=params.get("MaxFaces", 1),
        on=On(params.get("On", On.LOCAL)),
    )


def _calibration(params: Params) -> StartCalibration:
    return StartCalibration(collection_id=collection_id(params), label_by=LabelBy(params.get("LabelBy", LabelBy.USER)))


def _get(params: Params) -> GetTask:
    return GetTask(task_id=params["TaskId"], page=params.get("Page", 0))


def _started(job_id: JobId) -> Output:
    return {"TaskId": job_id}


def _job(job: Job) -> Output:
    return {
        "TaskId": job.request.job_id,
        "Kind": job.request.operation.removeprefix("Start"),
        "Status": job.state.value,
        "Percent": job.percent,
        "Created": datetime.fromtimestamp(job.created_ts_ms / 1000, UTC),
        "Message": job.error,
    }


def _told(told: TaskTold) -> Output:
    return {
        "Task": _job(told.job),
        "Summary": None if told.summary is None else _summary(told.summary),
        "Findings": [_finding(one) for one in told.findings],
        "LeftOut": [{"Key": one.key, "Reason": one.reason, "Failed": one.failed} for one in told.left_out] or None,
        "NextPage": told.more,
    }


def _summary(summary: TaskSummary) -> Output:
    rates = [
        {
            "Similarity": one.similarity_pct,
            "FalseMatchRate": one.false_match_rate,
            "TrueMatchRate": one.true_match_rate,
            "Bounded": one.bounded,
        }
        for one in summary.rates
    ]
    return {
        "Faces": summary.faces,
        "Findings": summary.findings,
        "Truncated": summary.truncated,
        "Threshold": summary.threshold_pct,
        "FalseMatchRate": summary.false_match_rate,
        "ExpectedFalsePairs": summary.expected_false_pairs,
        "Rates": rates or None,
        "People": summary.people or None,
        "GenuinePairs": summary.genuine_pairs or None,
        "ImpostorPairs": summary.impostor_pairs or None,
        "Pictures": summary.pictures or None,
        "LeftOut": summary.left_out or None,
    }


def _finding(told: FindingTold) -> Output:
    return {
        "Faces": [
            {
                "CollectionId": collection,
                "FaceId": face.face_id,
                "ExternalImageId": face.external_image_id,
                "UserId": face.user_id,
            }
            for collection, face in told.faces
        ],
        "Similarity": told.finding.similarity_pct,
        "Weakest": None if told.finding.weakest is None else list(told.finding.weakest),
    }
