"""Commands of the operator about live streams: which source stands behind which ARN, and which processors there are.

In: typed commands. Out: facts. Passwords of sources go in and never come out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from custodes.core.errors import InvalidParameterError, NotFoundError
from custodes.core.ids import AccountId
from custodes.operations.requests.admin import AccountAdminCommand, AdminCommand, AdminHandlers
from custodes.operations.requests.properties import READS, Properties
from custodes.operations.streams.ports import StreamProcessorStore
from custodes.video.live.processor import FaceTask, StreamProcessor
from custodes.video.live.source import LiveSource, LiveSourceMap

_ARN_START = "arn:"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListStreams(AccountAdminCommand):
    """Processors with their states; of all accounts where none is named."""

    operation: ClassVar[str] = "stream list"
    properties: ClassVar[Properties] = READS


@dataclass(frozen=True, slots=True, kw_only=True)
class ListStreamSources(AdminCommand):
    """Sources by the ARN that they stand behind."""

    operation: ClassVar[str] = "stream source list"
    properties: ClassVar[Properties] = READS


@dataclass(frozen=True, slots=True, kw_only=True)
class SetStreamSource(AdminCommand):
    """Connect a source to an ARN, over what was there."""

    operation: ClassVar[str] = "stream source set"
    arn: str
    url: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveStreamSource(AdminCommand):
    """Take a source away; processors that watch it fail when they open it again."""

    operation: ClassVar[str] = "stream source remove"
    arn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamFacts:
    """A processor with its state, and since when (ms since the epoch)."""

    account: str
    name: str
    source_arn: str
    task: str
    state: str
    since_ts_ms: int
    message: str | None


@dataclass(frozen=True, slots=True)
class StreamList:
    """Processors."""

    processors: tuple[StreamFacts, ...]


@dataclass(frozen=True, slots=True)
class StreamSourceFacts:
    """Where the pictures of a stream come from, without the password."""

    arn: str
    url: str
    user: str | None


@dataclass(frozen=True, slots=True)
class StreamSourceList:
    """All sources."""

    sources: tuple[StreamSourceFacts, ...]


@dataclass(frozen=True, slots=True)
class StreamSourceSet:
    """What stands behind an ARN now."""

    arn: str
    url: str


@dataclass(frozen=True, slots=True)
class StreamSourceRemoved:
    """Behind this ARN nothing stands any more."""

    arn: str


def stream_handlers(processors: StreamProcessorStore, sources: LiveSourceMap) -> AdminHandlers:
    """What carries these commands out.

    They raise NotFoundError for no such source, InvalidParameterError for what is no ARN or no address.
    """

    def listed(command: ListStreams) -> StreamList:
        account = None if command.account is None else AccountId(command.account)
        return StreamList(tuple(_facts(one) for one in processors.listing(account)))

    def sources_listed(_: ListStreamSources) -> StreamSourceList:
        found = sources.all().items()
        return StreamSourceList(tuple(StreamSourceFacts(arn, one.url, one.user or None) for arn, one in found))

    def set_source(command: SetStreamSource) -> StreamSourceSet:
        if not command.arn.startswith(_ARN_START) or ":kinesisvideo:" not in command.arn:
            raise InvalidParameterError("a source stands behind the ARN of a Kinesis video stream")
        source = LiveSource(command.url, command.user or "", command.password or "")
        if not source.verifiable:
            raise InvalidParameterError("a camera behind TLS is named: certificates are not compared with addresses")
        sources.put(command.arn, source)
        return StreamSourceSet(command.arn, source.url)

    def removed(command: RemoveStreamSource) -> StreamSourceRemoved:
        if not sources.drop(command.arn):
            raise NotFoundError("no source stands behind this ARN")
        return StreamSourceRemoved(command.arn)

    return {
        ListStreams: listed,
        ListStreamSources: sources_listed,
        SetStreamSource: set_source,
        RemoveStreamSource: removed,
    }


def _facts(processor: StreamProcessor) -> StreamFacts:
    return StreamFacts(
        account=processor.account_id,
        name=processor.name,
        source_arn=processor.source_arn,
        task="faces" if isinstance(processor.task, FaceTask) else "labels",
        state=processor.state.value,
        since_ts_ms=processor.updated_ts_ms,
        message=processor.message,
    )
