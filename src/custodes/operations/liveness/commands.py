"""The commands of face liveness. Shapes were checked by the edge against the service's model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from custodes.core.box import Size
from custodes.core.errors import InvalidParameterError
from custodes.liveness.session import SessionWishes
from custodes.operations.requests.command import Command
from custodes.operations.requests.properties import Properties, Reveals, Unit

_USUAL_VIDEO = Size(640, 480)
MIN_VIDEO_PX, MAX_VIDEO_PX = 320, 1920


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateFaceLivenessSession(Command):
    """Make a session."""

    operation: ClassVar[str] = "CreateFaceLivenessSession"
    properties: ClassVar[Properties] = Properties(Reveals.ATTRIBUTES, changes=True)

    wishes: SessionWishes = field(default_factory=SessionWishes)


@dataclass(frozen=True, slots=True, kw_only=True)
class StartFaceLivenessSession(Command):
    """Begin a session's stream, or judge its end.

    Attributes:
        challenge_versions: what the client can do, as it says.
        video: size of the pictures that it will send.
        part: 0 for the begin, 1 for the end: the same permission is asked for twice, and each is on record.
    """

    operation: ClassVar[str] = "StartFaceLivenessSession"
    properties: ClassVar[Properties] = Properties(Reveals.ATTRIBUTES, changes=True)

    session_id: str
    challenge_versions: str = ""
    video: Size = _USUAL_VIDEO
    part: int = 0

    def facts(self) -> Mapping[str, object]:
        """Which part of which session."""
        return {"job": self.session_id, "part": self.part}

    def check(self) -> None:
        """A size that the challenge fits into."""
        sides = (self.video.width, self.video.height)
        if not all(MIN_VIDEO_PX <= side <= MAX_VIDEO_PX for side in sides):
            raise InvalidParameterError(f"The video's sides have {MIN_VIDEO_PX} to {MAX_VIDEO_PX} pixels.")


@dataclass(frozen=True, slots=True, kw_only=True)
class GetFaceLivenessSessionResults(Command):
    """Read what came of a session. It is this that is charged, once, where there is a result."""

    operation: ClassVar[str] = "GetFaceLivenessSessionResults"
    properties: ClassVar[Properties] = Properties(Reveals.ATTRIBUTES, changes=True, unit=Unit.IMAGE)

    session_id: str


STREAMED = (StartFaceLivenessSession.operation,)
"""What policies can be about beside the operations of the service's model: streams have a model of their own."""
