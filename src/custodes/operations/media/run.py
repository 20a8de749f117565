"""Carries out media analysis jobs, in parts of some pictures, each under a permission of its own.

In: a job. Out: checkpoints with results, and at the end two files in the bucket of its output: results as JSON lines,
and a summary of the list. A part that is done again after a crash is not charged again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from custodes.core.clock import Clock
from custodes.core.errors import (
    CustodesError,
    DeniedError,
    InvalidParameterError,
    ManifestError,
    ObjectStoreError,
    UnavailableError,
)
from custodes.core.ids import RequestId
from custodes.engine.results.moderation import ConcernsFound
from custodes.jobs.job import Cursor, Job, JobCheckpoint
from custodes.jobs.ports import JobStore
from custodes.operations.images.detect_moderation import Moderation
from custodes.operations.images.ports import ObjectStore, ObjectWriter, S3Object
from custodes.operations.images.sources import ImageInput
from custodes.operations.media.commands import StartMediaAnalysisJob
from custodes.operations.media.use_cases import ACCESS_DENIED, INTERNAL, MediaRequest, lines_of
from custodes.operations.requests.context import Context, Origin
from custodes.operations.requests.gate import Gate, Permit
from custodes.operations.video.ports import ChargedParts
from custodes.projects.manifest import read_source

PICTURES_A_PART = 16


class MediaFailedError(InvalidParameterError):
    """A job failed for a reason that the API has a code for: ``CODE: text``, which GetMediaAnalysisJob takes apart."""


Spelling = Callable[[ConcernsFound, str], dict[str, Any]]
"""What was found of one picture, as DetectModerationLabels answers it."""


@dataclass(frozen=True, slots=True)
class MediaParts:
    """What a job needs.

    Attributes:
        moderation: looks at pictures.
        objects, writer: read lists, write results.
        jobs: keeps results on the way.
        charged: whether a part was charged before.
        spelling: of results.
        request_ids: gives an id to each part.
    """

    moderation: Moderation
    objects: ObjectStore
    writer: ObjectWriter
    jobs: JobStore
    charged: ChargedParts
    spelling: Spelling
    clock: Clock
    request_ids: Callable[[], RequestId]


class MediaJobs:
    """Implements ``JobHandler`` for media analysis."""

    def __init__(self, gate: Gate, parts: MediaParts) -> None:
        """Let every part pass ``gate``."""
        self._gate = gate
        self._parts = parts

    def run(self, job: Job) -> Iterator[JobCheckpoint]:
        """See JobHandler."""
        try:
            yield from self._run(job)
        except (UnavailableError, MediaFailedError):
            raise
        except DeniedError as error:
            raise MediaFailedError(f"{ACCESS_DENIED}: {error.message}") from error
        except ManifestError as error:
            raise MediaFailedError(f"INVALID_MANIFEST: {error.message}") from error
        except ObjectStoreError as error:
            raise MediaFailedError(f"INVALID_S3_OBJECT: {error.message}") from error
        except CustodesError as error:
            raise MediaFailedError(f"{INTERNAL}: {error.message}") from error

    def _run(self, job: Job) -> Iterator[JobCheckpoint]:
        request = MediaRequest.from_bytes(job.request.input)
        lines = lines_of(self._parts.objects, request.command.source)
        at = job.cursor.position
        while at < len(lines):
            chunk = lines[at : at + PICTURES_A_PART]
            page = self._part(job, request, at, chunk)
            at += len(chunk)
            yield JobCheckpoint(Cursor(at, len(lines)), (page,))
        places = self._write(job, request, len(lines))
        yield JobCheckpoint(Cursor(at, len(lines)), (orjson.dumps(places),), last=True)

    def _part(self, job: Job, request: MediaRequest, at: int, lines: Sequence[str]) -> bytes:
        number, job_id = at // PICTURES_A_PART, job.request.job_id
        command = replace(request.command, job=job_id, part=number)
        context = Context(request.caller, self._parts.request_ids(), self._parts.clock.now_ms(), Origin())
        first = at == job.cursor.position and job.fence > 1
        again = first and self._parts.charged.charged(job_id, number, job.created_ts_ms)

        def run(permit: Permit, part: StartMediaAnalysisJob) -> bytes:
            found = [self._line(permit, part, at + place, line) for place, line in enumerate(lines, 1)]
            if again:  # by an attempt that did not live to say so
                permit.tally.images = 0
            return orjson.dumps(found)

        return self._gate.perform(context, command, run).result

    def _line(self, permit: Permit, command: StartMediaAnalysisJob, number: int, line: str) -> dict[str, Any]:
        """Result of one line, or its error."""
        source, code = read_source(line)
        error: dict[str, Any] = {"line-numer": number, **({"source-ref": source} if source else {})}
        if code:
            return {"error": {**error, "code": code, "message": "The line names no picture."}}
        bucket, _, name = source.removeprefix("s3://").partition("/")
        try:
            image = ImageInput(s3_object=S3Object(bucket, name))
            found = self._parts.moderation.look(permit, image, command.least_pct, command.project_version)
        except UnavailableError:
            raise
        except CustodesError as failed:
            kind = "INVALID_S3_OBJECT" if isinstance(failed, ObjectStoreError) else "INVALID_IMAGE"
            return {"error": {**error, "code": kind, "message": failed.message}}
        answer = self._parts.spelling(found.found, found.model_version)
        return {"result": {"source-ref": source, "detect-moderation-labels": answer}, "version": found.model_version}

    def _write(self, job: Job, request: MediaRequest, total: int) -> dict[str, str]:
        """Both files; where they are."""
        pages = self._parts.jobs.pages(job.request.account_id, job.request.job_id)
        rows = [row for page in pages for row in orjson.loads(page)]
        errors = [row["error"] for row in rows if "error" in row]
        results = b"".join(orjson.dumps(row["result"]) + b"\n" for row in rows if "result" in row)
        summary = {
            "version": "1.0",
            "statistics": {
                "total-json-lines": total,
                "valid-json-lines": total - len(errors),
                "invalid-json-lines": len(errors),
            },
            "errors": errors,
        }
        prefix = request.command.output.prefix.strip("/")
        folder = f"{prefix}/{job.request.job_id}" if prefix else job.request.job_id
        places = {"results": f"{folder}/results.jsonl", "summary": f"{folder}/manifest-summary.json"}
        try:
            for name, data in (("results", results), ("summary", orjson.dumps(summary))):
                self._parts.writer.write(
                    job.request.account_id, S3Object(request.command.output.bucket, places[name]), data
                )
        except ObjectStoreError as error:
            raise MediaFailedError(f"INVALID_OUTPUT_CONFIG: {error.message}") from error
        version = next((row["version"] for row in rows if "version" in row), "")
        return {**places, "model_version": version}
