"""Videos given to the API as jobs, and their results: by a server that runs, or in this process.

In: a file or ``s3://BUCKET/NAME``, operations with their options. Out: all results. The same request for the same file
is the same job again, so a command that was interrupted goes on where it stopped, and one that was over answers at
once, for as long as the server keeps results.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from custodes.cli.client.administration import ask, is_served
from custodes.cli.input_files import require_file
from custodes.core.errors import CustodesError, InvalidParameterError, UnavailableError

if TYPE_CHECKING:
    from custodes.cli.client.api import ApiClient
    from custodes.settings import Settings

_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.2, 3.0
_PAGE = 1000
_MAX_ATTEMPTS = 100

Answer = Mapping[str, Any]


class AnalysisFailedError(CustodesError):
    """A job failed; the message is its status message."""


@dataclass(frozen=True, slots=True)
class VideoQuestion:
    """One job.

    Attributes:
        operation: after ``Start`` and ``Get``, like ``FaceDetection``.
        options: of the Start operation.
        reading: of the Get operation.
        results: the member of its answer that pages are made of.
    """

    operation: str
    options: Mapping[str, Any]
    results: str
    reading: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Source:
    """A video as the API takes it. ``path`` is the file where this machine has it."""

    bucket: str
    name: str
    path: Path | None


class VideoApi:
    """Starts jobs and waits for them."""

    def __init__(self, api: ApiClient, data: Path | None) -> None:
        """Ask ``api``; the operator of ``data`` reads progress, None for a server elsewhere."""
        self._api = api
        self._data = data

    def answers(self, source: Source, questions: Sequence[VideoQuestion], *, again: bool = False) -> dict[str, Answer]:
        """Results by operation, with all pages joined.

        Raises:
            AnalysisFailedError: a job failed.
            CustodesError: the API refuses.
        """
        jobs = {one.operation: self._started(source, one, again=again) for one in questions}
        self._wait(jobs)
        return {one.operation: self._read(one, jobs[one.operation]) for one in questions}

    def _started(self, source: Source, question: VideoQuestion, *, again: bool) -> str:
        """The id of a job that has not failed: an earlier one of the same request, or a new one."""
        begun_ms = int(time.time() * 1000)
        for attempt in range(_MAX_ATTEMPTS):
            token = _token(source, question, begun_ms if again else attempt)
            job = self._api.call(
                f"Start{question.operation}",
                Video={"S3Object": {"Bucket": source.bucket, "Name": source.name}},
                ClientRequestToken=token,
                **question.options,
            )["JobId"]
            if again or self._data is None:
                return str(job)
            found = ask(self._data, "job show", job_id=job)
            if found["state"] != "FAILED" or found["created_ts_ms"] >= begun_ms:
                return str(job)
        raise UnavailableError("this analysis has failed too often")

    def _wait(self, jobs: Mapping[str, str]) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn

        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
        speed = TextColumn("{task.fields[speed]}")
        with Progress(*columns, speed, TimeElapsedColumn(), console=Console(stderr=True), transient=True) as bars:
            tasks = {name: bars.add_task(_words(name), total=None, speed="") for name in jobs}
            open_ones, wait_s = dict(jobs), _FIRST_WAIT_S
            while open_ones:
                for name, job in tuple(open_ones.items()):
                    state, done, pace = self._state(name, job)
                    told = "" if pace is None else f"{pace:.0f} frames/s"
                    if done is not None:
                        bars.update(tasks[name], completed=done, total=100, speed=told)
                    if state != "IN_PROGRESS":
                        del open_ones[name]
                if open_ones:
                    time.sleep(wait_s)
                    wait_s = min(_LONGEST_WAIT_S, wait_s * 1.3)

    def _state(self, operation: str, job: str) -> tuple[str, float | None, float | None]:
        """JobStatus, percent, frames a second."""
        if self._data is None:
            answer = self._api.call(f"Get{operation}", JobId=job, MaxResults=1)
            return str(answer["JobStatus"]), None, None
        found = ask(self._data, "job show", job_id=job)
        is_open = found["state"] in ("QUEUED", "RUNNING")
        return "IN_PROGRESS" if is_open else found["state"], found["percent"], found["frames_per_second"]

    def _read(self, question: VideoQuestion, job: str) -> Answer:
        whole: dict[str, Any] = {}
        token: dict[str, str] = {}
        while True:
            page = self._api.call(f"Get{question.operation}", JobId=job, MaxResults=_PAGE, **question.reading, **token)
            if page["JobStatus"] != "SUCCEEDED":
                raise AnalysisFailedError(f"{_words(question.operation)}: {page.get('StatusMessage', 'failed')}")
            kept = whole.get(question.results, [])
            whole = {**page, question.results: [*kept, *page[question.results]]}
            if not page.get("NextToken"):
                return {name: value for name, value in whole.items() if name not in _NOT_TOLD}
            token = {"NextToken": page["NextToken"]}


_NOT_TOLD = frozenset({"ResponseMetadata", "NextToken"})


@contextmanager
def open_videos(
    settings: Settings, endpoint: str | None, given: str, *, creates: bool
) -> Iterator[tuple[VideoApi, Source]]:
    """The API, and ``given`` as it takes it; ``creates`` says whether a data directory may be made for it.

    Raises:
        InvalidParameterError: neither a file nor an object; or a file, and the server is not the data directory's.
        UnavailableError: nothing answers at ``endpoint``, or the directory cannot be opened.
    """
    from custodes.cli.client.connection import open_api
    from custodes.storage.files.credentials import stored_key
    from custodes.storage.files.uploads import BUCKET, upload

    remote = given.startswith("s3://")
    bucket, _, name = given.removeprefix("s3://").partition("/")
    if not remote:
        require_file(Path(given))
    with open_api(settings, endpoint, creates=creates) as api:
        served = is_served(settings.data)
        if remote:
            yield VideoApi(api, settings.data if served else None), Source(bucket, name, None)
            return
        key = stored_key(settings.data)
        if not served or key is None:
            raise InvalidParameterError(
                "that server cannot read files of this machine: name an object, s3://BUCKET/NAME"
            )
        yield VideoApi(api, settings.data), Source(BUCKET, upload(settings.data, Path(given), key[1]), Path(given))


def _token(source: Source, question: VideoQuestion, attempt: int) -> str:
    stamp = ""
    if source.path is not None:
        status = source.path.stat()
        stamp = f"{status.st_ino}-{status.st_mtime_ns}"
    asked = [source.bucket, source.name, stamp, question.operation, question.options, attempt]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def _words(operation: str) -> str:
    """``FaceDetection`` as words."""
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in operation).strip()
