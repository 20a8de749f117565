"""Media analysis between AWS members and commands."""

from __future__ import annotations

from custodes.edge.aws.translate.route import Output, Params, gated
from custodes.edge.aws.wire import Handler
from custodes.jobs.job import JobId, JobState
from custodes.operations.images.ports import S3Object
from custodes.operations.media.commands import (
    GetMediaAnalysisJob,
    ListMediaAnalysisJobs,
    ResultPlace,
    StartMediaAnalysisJob,
)
from custodes.operations.media.use_cases import MediaAnalysis, MediaJob, MediaJobsListed
from custodes.operations.requests.gate import Gate

_STATUS = {
    JobState.QUEUED: "QUEUED",
    JobState.RUNNING: "IN_PROGRESS",
    JobState.SUCCEEDED: "SUCCEEDED",
    JobState.FAILED: "FAILED",
}


def handlers(gate: Gate, media: MediaAnalysis) -> dict[str, Handler]:
    """Handlers of this family by operation."""
    return {
        "StartMediaAnalysisJob": gated(gate, start_command, media.start, lambda job_id: {"JobId": job_id}),
        "GetMediaAnalysisJob": gated(gate, _get_command, media.get, job_output),
        "ListMediaAnalysisJobs": gated(gate, list_command, media.list, list_output),
    }


def start_command(params: Params) -> StartMediaAnalysisJob:
    """Parameters of StartMediaAnalysisJob."""
    where, output = params["Input"]["S3Object"], params["OutputConfig"]
    moderation = params["OperationsConfig"].get("DetectModerationLabels")
    wanted = {} if moderation is None else moderation
    return StartMediaAnalysisJob(
        source=S3Object(where.get("Bucket", ""), where.get("Name", ""), where.get("Version")),
        output=ResultPlace(output["S3Bucket"], output.get("S3KeyPrefix", "")),
        moderation=moderation is not None,
        min_confidence_pct=wanted.get("MinConfidence"),
        project_version=wanted.get("ProjectVersion"),
        name=params.get("JobName"),
        kms_key=params.get("KmsKeyId"),
        token=params.get("ClientRequestToken"),
    )


def _get_command(params: Params) -> GetMediaAnalysisJob:
    return GetMediaAnalysisJob(job_id=JobId(params["JobId"]))


def list_command(params: Params) -> ListMediaAnalysisJobs:
    """Parameters of ListMediaAnalysisJobs."""
    return ListMediaAnalysisJobs(max_results=params.get("MaxResults"), next_token=params.get("NextToken"))


def list_output(result: MediaJobsListed) -> Output:
    """Output of ListMediaAnalysisJobs."""
    return {"MediaAnalysisJobs": [job_output(job) for job in result.jobs], "NextToken": result.next_token}


def job_output(found: MediaJob) -> Output:
    """Output of GetMediaAnalysisJob."""
    job, command = found.job, found.command
    finished = job.finished_ts_ms
    moderation = {"MinConfidence": command.min_confidence_pct, "ProjectVersion": command.project_version}
    failure = None if found.failure is None else {"Code": found.failure[0], "Message": found.failure[1]}
    results = None
    if found.results is not None:
        results = {"S3Object": _object(found.results), "ModelVersions": {"Moderation": found.model_version}}
    return {
        "JobId": job.request.job_id,
        "JobName": command.name,
        "OperationsConfig": {"DetectModerationLabels": moderation},
        "Status": _STATUS[job.state],
        "FailureDetails": failure,
        "CreationTimestamp": job.created_ts_ms / 1000,
        "CompletionTimestamp": None if finished is None else finished / 1000,
        "Input": {"S3Object": _object(command.source)},
        "OutputConfig": {"S3Bucket": command.output.bucket, "S3KeyPrefix": command.output.prefix or None},
        "KmsKeyId": command.kms_key,
        "Results": results,
        "ManifestSummary": None if found.summary is None else {"S3Object": _object(found.summary)},
    }


def _object(place: S3Object) -> Output:
    return {"Bucket": place.bucket, "Name": place.name}
