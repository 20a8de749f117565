"""The message that a video job is over, in the words of the original.

In: a finished job. Out: the text that goes to its topic. Source: behaviour specification, section 3.8.
"""

from __future__ import annotations

import orjson

from custodes.jobs.job import Job, JobState
from custodes.operations.video.request import VideoRequest


def completion_message(job: Job) -> str:
    """JSON; JobTag only where the client set one."""
    command = VideoRequest.from_bytes(job.request.input).command
    message: dict[str, object] = {
        "JobId": job.request.job_id,
        "Status": "SUCCEEDED" if job.state is JobState.SUCCEEDED else "FAILED",
        "API": job.request.operation,
    }
    if command.tag is not None:
        message["JobTag"] = command.tag
    message["Timestamp"] = job.finished_ts_ms
    message["Video"] = {"S3ObjectName": command.video.name, "S3Bucket": command.video.bucket}
    return orjson.dumps(message).decode()
