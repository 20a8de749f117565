"""Sessions made, begun, judged and read: what the three operations do within the gate.

In: commands, and the video of a stream that ended. Out: ids, challenges, results. A stream passes the gate twice: when
it begins, before anything is asked of anybody, and when its video begins, before anything is computed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace

from custodes.core.clock import Clock
from custodes.core.errors import (
    CustodesError,
    InvalidParameterError,
    NotSupportedError,
    ObjectStoreError,
    SessionNotFoundError,
    VideoFormatError,
    VideoTooLargeError,
)
from custodes.liveness.challenge import LivenessChallenge, Randomness, agreed, draw, offered, version_text
from custodes.liveness.judgement import confidence_pct, feedback
from custodes.liveness.session import LivenessResult, LivenessSession, LivenessState, SessionPicture
from custodes.operations.images.ports import ObjectWriter, S3Object
from custodes.operations.liveness.analysis import CLOSE_LOOK_MS, LOOK_MS, LivenessFindings, LookedAt, VideoLook
from custodes.operations.liveness.commands import (
    CreateFaceLivenessSession,
    GetFaceLivenessSessionResults,
    StartFaceLivenessSession,
)
from custodes.operations.liveness.incoming import IncomingVideo, ReceivedVideo
from custodes.operations.liveness.ports import LivenessSessions, VideoSpool
from custodes.operations.requests.gate import Permit


@dataclass(frozen=True, slots=True)
class LivenessAdapters:
    """Where sessions, videos and pictures are.

    Attributes:
        new_id: makes ids of sessions: lower-case UUIDs that nobody can guess.
        randomness: what challenges are drawn from.
    """

    sessions: LivenessSessions
    spool: VideoSpool
    output: ObjectWriter
    look: VideoLook
    clock: Clock
    new_id: Callable[[], str]
    randomness: Randomness


@dataclass(frozen=True, slots=True)
class BegunCheck:
    """A session in progress, with what is asked."""

    session: LivenessSession
    challenge: LivenessChallenge


@dataclass(frozen=True, slots=True)
class SessionReport:
    """What GetFaceLivenessSessionResults tells."""

    session_id: str
    state: LivenessState
    result: LivenessResult | None


class FaceLiveness:
    """Handles the operations."""

    def __init__(self, adapters: LivenessAdapters | None) -> None:
        """Work on ``adapters``; without any, every operation is refused."""
        self._adapters = adapters

    @property
    def _ports(self) -> LivenessAdapters:
        if self._adapters is None:
            raise NotSupportedError("This server was put together without face liveness.")
        return self._adapters

    def create(self, permit: Permit, command: CreateFaceLivenessSession) -> str:
        """The id of a new session, or of the one that the same token made.

        Raises:
            IdempotencyError: that one was asked for with other wishes.
            InvalidParameterError: nothing can be written to the bucket that was named.
        """
        ports = self._ports
        account_id = permit.context.caller.account_id
        if command.wishes.output is not None:
            try:
                ports.output.check(account_id, command.wishes.output.bucket, command.wishes.kms_key)
            except ObjectStoreError as error:
                raise InvalidParameterError(error.message) from error
        session = LivenessSession(account_id, ports.new_id(), ports.clock.now_ms(), command.wishes)
        return ports.sessions.add(session).session_id

    def begin(self, permit: Permit, command: StartFaceLivenessSession) -> BegunCheck:
        """Take the session, for this stream alone, and draw its challenge.

        Raises:
            SessionNotFoundError: there is none that waits to begin.
            InvalidParameterError: no challenge suits both sides; the session can still begin.
        """
        ports, account_id = self._ports, permit.context.caller.account_id
        waiting = ports.sessions.find(account_id, command.session_id)
        if waiting is None:
            raise _not_found(command.session_id)
        kind = agreed(waiting.wishes.preferences, offered(command.challenge_versions))
        challenge = draw(kind, command.video, ports.randomness)
        permit.tally.facts["challenge_sha256"] = challenge.digest()
        session = ports.sessions.begin(account_id, command.session_id, ports.clock.now_ms())
        if session is None:
            raise _not_found(command.session_id)
        return BegunCheck(session, challenge)

    def judge(self, permit: Permit, check: BegunCheck, video: IncomingVideo) -> LivenessState:
        """Look at the video, from its first piece where that can be, and keep what came of it.

        Raises:
            VideoFormatError, VideoTooLargeError: it cannot be looked at; the session has failed.
            SessionNotFoundError: the session has ended otherwise.
            UnavailableError: nothing could be kept.
        """
        ports, session = self._ports, check.session
        permit.tally.facts["challenge_sha256"] = check.challenge.digest()
        try:
            looked = self._followed(permit, check, video)
            received = video.complete()
            permit.tally.facts["video_sha256"] = hashlib.sha256(received.data).hexdigest()
            facts = ports.look.check(received.data)
            if looked is None:
                with ports.spool.holding(session.session_id, received.data) as path:
                    look_ms = _look_ms(check.challenge)
                    looked = ports.look.watch(permit.slot, path, look_ms=look_ms, frame_rate=facts.frame_rate)
            found = ports.look.findings(permit.slot, looked, check.challenge, received.starts_ms)
            permit.tally.add(frames=found.frames)
            result = self._result(check, received, found)
        except (VideoFormatError, VideoTooLargeError, ObjectStoreError):
            self.fail(session)
            raise
        if not ports.sessions.end(session.account_id, session.session_id, result, ports.clock.now_ms()):
            raise _not_found(session.session_id)
        return LivenessState.SUCCEEDED

    def _followed(self, permit: Permit, check: BegunCheck, video: IncomingVideo) -> LookedAt | None:
        """What the frames showed, looked at as they came; None where the video has to be looked at as a whole."""
        ports = self._ports
        head = b"" if video.is_over else next(video.pieces(), b"")
        if not head or not ports.look.can_follow(head):
            return None
        try:
            with ports.spool.piping(check.session.session_id, video.pieces()) as path:
                return ports.look.watch(permit.slot, path, look_ms=_look_ms(check.challenge))
        except VideoFormatError:
            return None

    def fail(self, session: LivenessSession) -> None:
        """The stream broke off: the session has failed. It can not be begun again."""
        ports = self._ports
        ports.sessions.end(session.account_id, session.session_id, None, ports.clock.now_ms())

    def results(self, permit: Permit, command: GetFaceLivenessSessionResults) -> SessionReport:
        """The session's state, and its result where it has one.

        Raises:
            SessionNotFoundError: the account has no such session, or not any more.
        """
        ports = self._ports
        session = ports.sessions.find(permit.context.caller.account_id, command.session_id)
        if session is None:
            raise _not_found(command.session_id)
        # A check is charged when its result is read first, however often it is read.
        if session.result is not None and not session.charged:
            permit.tally.images += int(ports.sessions.charge(session.account_id, session.session_id))
        return SessionReport(session.session_id, session.state_at(ports.clock.now_ms()), session.result)

    def _result(self, check: BegunCheck, video: ReceivedVideo, found: LivenessFindings) -> LivenessResult:
        wishes = check.session.wishes
        reference = found.pictures[:1]
        audit = found.pictures[1 : 1 + wishes.audit_pictures]
        if wishes.output is not None:
            reference = tuple(self._put(check.session, one, "reference.jpg") for one in reference)
            audit = tuple(self._put(check.session, one, f"audit-{i}.jpg") for i, one in enumerate(audit))
        return LivenessResult(
            confidence_pct(found.evidence),
            check.challenge.kind,
            version_text(check.challenge.version),
            reference[0] if reference else None,
            audit,
            feedback(found.evidence),
            video.client,
        )

    def _put(self, session: LivenessSession, picture: SessionPicture, name: str) -> SessionPicture:
        output = session.wishes.output
        if output is None or picture.data is None:
            return picture
        key = f"{output.prefix}{session.session_id}/{name}"
        place = S3Object(output.bucket, key)
        self._ports.output.write(session.account_id, place, picture.data, session.wishes.kms_key)
        return replace(picture, data=None, bucket=output.bucket, key=key)


def _look_ms(challenge: LivenessChallenge) -> int:
    return LOOK_MS if challenge.colours else CLOSE_LOOK_MS


def _not_found(session_id: str) -> CustodesError:
    return SessionNotFoundError(f"Session {session_id} is not there, or was used or has expired.")
