"""Trainings as jobs: begun, waited for, and settled when their job ended without saying so.

In: a version to be trained, whoever asked for it. Out: a job; the version as it stands. The work itself is
``training``'s.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from threading import Condition
from typing import cast

import orjson

from custodes.core.errors import InUseError
from custodes.engine.ports import CustomLabelEngine
from custodes.jobs.job import JobId, JobRequest
from custodes.jobs.ports import JobStore
from custodes.operations.projects.commands import CreateProjectVersion
from custodes.operations.projects.records import ProjectRecords
from custodes.operations.requests.callers import caller_members, read_caller
from custodes.operations.requests.context import Caller
from custodes.operations.requests.gate import Permit
from custodes.projects.entities import S3Place, Version, VersionKey, VersionStatus
from custodes.projects.records import ProjectRecord, record_of

OPERATION = CreateProjectVersion.operation
STOPPED = "The training ended before it was done."


class Endings:
    """Tells those who wait in this process that the training of a version is over."""

    def __init__(self) -> None:
        """Nothing has ended yet."""
        self._changed = Condition()
        # Guarded by _changed:
        self._waited_for: dict[VersionKey, bool] = {}

    def expect(self, key: VersionKey) -> None:
        """Somebody will wait for ``key``."""
        with self._changed:
            self._waited_for[key] = False

    def tell(self, key: VersionKey) -> None:
        """It is over."""
        with self._changed:
            if key in self._waited_for:
                self._waited_for[key] = True
                self._changed.notify_all()

    def wait(self, key: VersionKey, seconds: float) -> None:
        """Until it is over, but at most ``seconds``."""
        with self._changed:
            self._changed.wait_for(lambda: self._waited_for.get(key, True), seconds)
            self._waited_for.pop(key, None)


@dataclass(frozen=True, slots=True)
class TrainingRequest:
    """What a training job was asked for."""

    command: CreateProjectVersion
    caller: Caller
    key: VersionKey

    def part(self, job_id: JobId, number: int, names: tuple[str, ...], *, faces: bool = False) -> CreateProjectVersion:
        """The command of one part of the job, with what is known by then of what is trained on."""
        return replace(self.command, job=job_id, part=number, label_names=names, faces=faces)

    def to_bytes(self) -> bytes:
        """JSON."""
        command = self.command
        value = {
            "arn": command.arn,
            "name": command.name,
            "output": [command.output.bucket, command.output.name],
            "tags": dict(command.tags),
            "key": [self.key.account_id, self.key.project, self.key.name, self.key.created_ts_ms],
            "caller": caller_members(self.caller),
        }
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)

    @classmethod
    def from_bytes(cls, data: bytes) -> TrainingRequest:
        """What ``to_bytes`` wrote."""
        value = orjson.loads(data)
        command = CreateProjectVersion(
            arn=value["arn"], name=value["name"], output=S3Place(*value["output"]), tags=value["tags"]
        )
        return cls(command, read_caller(value["caller"]), VersionKey(*value["key"]))


@dataclass(frozen=True, slots=True)
class Trainings:
    """Begins trainings.

    Attributes:
        new_id: makes ids of jobs.
        wake: tells workers that there is a job.
        engine: opens the engine that trains.
        base_model: version of the moderation model that adapters build on.
        wait_s: for how long whoever asks for a training waits for its end.
    """

    records: ProjectRecords
    jobs: JobStore
    new_id: Callable[[], JobId]
    wake: Callable[[], None]
    engine: Callable[[], CustomLabelEngine]
    base_model: Callable[[], str]
    wait_s: float = 10.0
    endings: Endings = field(default_factory=Endings)

    def begin(self, permit: Permit, command: CreateProjectVersion, version: Version) -> None:
        """Keep ``version`` and train it; returns when that is over, or after a while.

        Raises:
            InUseError: the project has a version of this name.
            OpenJobsError: see JobStore.
        """
        job_id = self.new_id()
        if not self.records.store.add(record_of(replace(version, job_id=job_id))):
            raise InUseError("The project has a version of this name already.")
        key, caller = version.key, permit.context.caller
        request = TrainingRequest(command, caller, key)
        self.endings.expect(key)
        try:
            self.jobs.add(JobRequest(job_id, caller.account_id, OPERATION, request.to_bytes()), permit.context.ts_ms)
        except BaseException:
            self.records.store.drop(self.records.version(key))
            raise
        self.wake()
        self.endings.wait(key, self.wait_s)

    def settled(self, record: ProjectRecord) -> Version:
        """The version of ``record``; failed, where its training ended without getting to say so."""
        version = cast("Version", record.value)
        if version.status is not VersionStatus.TRAINING_IN_PROGRESS or version.job_id is None:
            return version
        job = self.jobs.find(version.key.account_id, JobId(version.job_id))
        if job is not None and job.is_open:
            return version
        now = cast("Version", self.records.version(version.key).value)  # it may have ended since the record was read
        if now.status is not VersionStatus.TRAINING_IN_PROGRESS:
            return now
        message = STOPPED if job is None or job.error is None else job.error
        failed = replace(now, status=VersionStatus.TRAINING_FAILED, message=message)
        self.records.change(self.records.version(version.key), failed)
        return failed
