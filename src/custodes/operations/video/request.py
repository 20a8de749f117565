"""A video job's input as bytes: the command, whoever gave it, and the version of the object that it was given for.

In: a Start command and its caller. Out: JSON, and back. The caller is kept because every part of the job is decided
again for the same principal.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

import orjson

from custodes.jobs.job import JobId
from custodes.operations.images.ports import S3Object
from custodes.operations.requests.callers import caller_members, read_caller
from custodes.operations.requests.context import Caller
from custodes.operations.video.commands import START_COMMANDS, Channel, StartVideo
from custodes.operations.video.ports import ObjectVersion


@dataclass(frozen=True, slots=True)
class VideoRequest:
    """What a video job was asked for."""

    command: StartVideo
    caller: Caller
    version: ObjectVersion

    def part(self, job_id: JobId, number: int) -> StartVideo:
        """The command of one part of the job."""
        return replace(self.command, job_id=job_id, part=number)

    def to_bytes(self) -> bytes:
        """Equal requests have equal bytes."""
        command = self.command
        value = {
            "operation": command.operation,
            "video": asdict(command.video),
            "options": command.options,
            "tag": command.tag,
            "channel": None if command.channel is None else asdict(command.channel),
            "caller": caller_members(self.caller),
            "version": asdict(self.version),
        }
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)

    @classmethod
    def from_bytes(cls, data: bytes) -> VideoRequest:
        """What ``to_bytes`` wrote."""
        value = orjson.loads(data)
        channel = value["channel"]
        command = START_COMMANDS[value["operation"]](
            video=S3Object(**value["video"]),
            options=value["options"],
            tag=value["tag"],
            channel=None if channel is None else Channel(**channel),
        )
        return cls(command, read_caller(value["caller"]), ObjectVersion(**value["version"]))
