"""A video job's input as bytes: the command, whoever gave it, and the version of the object that it was given for.

In: a Start command and its caller. Out: JSON, and back. The caller is kept because every part of the job is decided
again for the same principal.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

import orjson

from custodes.core.ids import AccountId
from custodes.jobs.job import JobId
from custodes.operations.images.ports import S3Object
from custodes.operations.requests.context import Caller, Principal, RoleSession
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
        command, session = self.command, self.caller.principal.session
        principal = {**asdict(self.caller.principal), "session": None if session is None else _session(session)}
        value = {
            "operation": command.operation,
            "video": asdict(command.video),
            "options": command.options,
            "tag": command.tag,
            "channel": None if command.channel is None else asdict(command.channel),
            "caller": {**asdict(self.caller), "principal": principal},
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
        return cls(command, _caller(value["caller"]), ObjectVersion(**value["version"]))


def _session(session: RoleSession) -> dict[str, object]:
    return {**asdict(session), "transitive": sorted(session.transitive)}


def _caller(value: dict[str, object]) -> Caller:
    principal = dict(value["principal"])  # type: ignore[call-overload]
    session = principal.pop("session")
    opened = None if session is None else RoleSession(**{**session, "transitive": frozenset(session["transitive"])})
    fields = {name: value[name] for name in ("access_key_id", "arn", "region", "session_tags")}
    return Caller(AccountId(str(value["account_id"])), principal=Principal(**principal, session=opened), **fields)  # type: ignore[arg-type]
