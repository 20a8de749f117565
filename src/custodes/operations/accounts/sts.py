"""Temporary credentials: assume a role, ask who one is, get a session of one's own. As AWS's STS, behind the gate.

In: commands of an authentic caller, whom the tenant's layer let pass. Out: credentials whose token holds everything
about their session. Sessions can be tagged and limited by a policy; tags that are transitive go on into sessions that
are opened from this one and cannot be changed there.

Source: STS API reference; IAM User Guide, "Passing session tags in AWS STS" (chaining, transitive tags).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import orjson

from custodes.core.clock import Clock
from custodes.core.errors import DeniedError, InvalidParameterError, PolicyDocumentError, QuotaError
from custodes.governance.accounts.identities import ROOT, check_tags
from custodes.governance.iam.pattern import PolicyError
from custodes.operations.accounts.condition_keys import user_id
from custodes.operations.accounts.credentials.sessions import OpenSession
from custodes.operations.accounts.directory import AccountDirectory
from custodes.operations.requests.command import Command
from custodes.operations.requests.context import Caller, Principal, RoleSession
from custodes.operations.requests.gate import Permit
from custodes.operations.requests.principals import principal_arn
from custodes.operations.requests.properties import READS, Properties

CHAINED_S = 3600
"""A session that was opened from a role's session lasts an hour at most, as in AWS."""
ROOT_S = 3600
"""A session of a root lasts an hour at most, as in AWS."""
OWN_S = 43_200
"""How long GetSessionToken gives where nothing is asked for."""
_PACKED_BYTES = 8192
_ROLE_ARN = re.compile(r"arn:aws(?:-[a-z]+)*:iam::[0-9]{12}:role/[\w+=,.@-]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class StsCommand(Command):
    """A request to STS."""

    service: ClassVar[str] = "sts"


@dataclass(frozen=True, slots=True, kw_only=True)
class AssumeRole(StsCommand):
    """Become a role for a while.

    Attributes:
        role_arn: the role's.
        session_name: what the session is called in ARNs.
        duration_s: how long; None for an hour.
        policy: a policy document that limits the session; empty for none.
        tags: session tags.
        transitive: keys of tags that go on into sessions opened from this one.
        external_id: for the condition ``sts:ExternalId``; empty for none.
    """

    operation: ClassVar[str] = "AssumeRole"
    properties: ClassVar[Properties] = READS
    role_arn: str
    session_name: str
    duration_s: int | None = None
    policy: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    transitive: tuple[str, ...] = ()
    external_id: str = ""

    def resource(self, caller: Caller) -> str:  # noqa: ARG002 - the ARN names its account itself
        """The role."""
        return self.role_arn

    def facts(self) -> Mapping[str, object]:
        """What conditions of a trust policy may look at."""
        facts: dict[str, object] = {"session_name": self.session_name, "request_tags": dict(self.tags)}
        if self.external_id:
            facts["external_id"] = self.external_id
        return facts

    def check(self) -> None:
        """Tags follow the rules of tags, and only tags can be transitive."""
        if not _ROLE_ARN.fullmatch(self.role_arn):
            raise InvalidParameterError(f"{self.role_arn} is invalid")
        check_tags(self.tags)
        if not {key.lower() for key in self.transitive} <= {key.lower() for key in self.tags}:
            raise InvalidParameterError("a transitive tag key is not among the tags of the request")


@dataclass(frozen=True, slots=True, kw_only=True)
class GetCallerIdentity(StsCommand):
    """Ask who the caller is."""

    operation: ClassVar[str] = "GetCallerIdentity"
    properties: ClassVar[Properties] = READS


@dataclass(frozen=True, slots=True, kw_only=True)
class GetSessionToken(StsCommand):
    """Ask for temporary credentials of oneself.

    Attributes:
        duration_s: how long; None for twelve hours, for a root one.
        policy: a policy document that limits the session; empty for none. STS has no such member: this server's own
            pages use it, so that their scripts may do the one thing they are for.
    """

    operation: ClassVar[str] = "GetSessionToken"
    properties: ClassVar[Properties] = READS
    duration_s: int | None = None
    policy: str = ""


@dataclass(frozen=True, slots=True)
class CallerIdentity:
    """Who a caller is."""

    account_id: str
    arn: str
    user_id: str


@dataclass(frozen=True, slots=True)
class Issued:
    """Temporary credentials, and what share of the room for policy and tags they take."""

    access_key_id: str
    secret: str = field(repr=False)
    token: str = field(repr=False)
    expires_ts_ms: int
    arn: str
    session_id: str
    packed_pct: int


class SecurityTokens:
    """Handles the operations of STS."""

    def __init__(self, directory: AccountDirectory, clock: Clock) -> None:
        """Issue sessions of whom ``directory`` knows."""
        self._directory = directory
        self._sessions = directory.sessions
        self._clock = clock

    def identity(self, permit: Permit, command: GetCallerIdentity) -> CallerIdentity:  # noqa: ARG002 - no parameters
        """Who the caller is."""
        caller = permit.context.caller
        return CallerIdentity(caller.account_id, caller.arn, user_id(caller))

    def session_token(self, permit: Permit, command: GetSessionToken) -> Issued:
        """Credentials of the caller itself.

        Raises:
            DeniedError: the caller has temporary credentials already; nobody prolongs a session by itself.
            PolicyDocumentError: the policy is not understood.
        """
        caller = permit.context.caller
        if caller.principal.session is not None:
            raise DeniedError("Cannot call GetSessionToken with session credentials")
        root = caller.principal.path == ROOT
        wanted = command.duration_s or (ROOT_S if root else OWN_S)
        self._check_policy(command.policy)
        name, key = caller.principal.name, caller.access_key_id
        session = RoleSession(name, self._clock.now_ms(), policy=command.policy, origin_key=key)
        return self._issue(caller, caller.principal, session, min(wanted, ROOT_S) if root else wanted)

    def assume_role(self, permit: Permit, command: AssumeRole) -> Issued:
        """Credentials of a role of the caller's account.

        Raises:
            NotFoundError: the role was deleted this moment.
            InvalidParameterError: too long, or a tag that the caller's session fixed.
            PolicyDocumentError: the session policy is not understood.
            QuotaError: policy and tags take too much room.
        """
        caller = permit.context.caller
        role = self._directory.role(caller.account_id, command.role_arn.rpartition("/")[2])
        before = caller.principal.session
        chained = before is not None and caller.principal.path.startswith("role/")
        wanted = command.duration_s or CHAINED_S
        if wanted > role.max_session_s:
            raise InvalidParameterError(
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
            )
        if chained and wanted > CHAINED_S:
            raise InvalidParameterError(
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
            )
        self._check_policy(command.policy)
        tags, transitive = _tags(before, command)
        session = RoleSession(
            command.session_name,
            self._clock.now_ms(),
            tags,
            transitive,
            command.policy,
            caller.access_key_id if before is None else before.origin_key,
        )
        return self._issue(caller, Principal(f"role/{role.name}", role.role_id, role.tags), session, wanted)

    def _check_policy(self, policy: str) -> None:
        if policy:
            try:
                self._directory.documents.session_policy(policy)
            except PolicyError as error:
                raise PolicyDocumentError(f"The session policy is not understood: {error}") from error

    def _issue(self, caller: Caller, principal: Principal, session: RoleSession, duration_s: int) -> Issued:
        packed = len(session.policy.encode()) + len(orjson.dumps(dict(session.tags)))
        if packed > _PACKED_BYTES:
            raise QuotaError(f"Session policy and tags together have at most {_PACKED_BYTES} bytes.")
        key_id, secret = self._sessions.new_key()
        expires = session.issued_ts_ms + duration_s * 1000
        opened = OpenSession(
            key_id, secret, caller.account_id, principal.path, principal.principal_id, expires, session
        )
        return Issued(
            key_id,
            secret,
            self._sessions.issue(opened),
            expires,
            principal_arn(caller.account_id, Principal(principal.path, session=session), caller.region),
            f"{principal.principal_id}:{session.name}",
            packed * 100 // _PACKED_BYTES,
        )


def _tags(before: RoleSession | None, command: AssumeRole) -> tuple[dict[str, str], frozenset[str]]:
    """Tags of the new session and which of them go on; those that came with the caller's session win."""
    fixed = {} if before is None else {key: before.tags[key] for key in sorted(before.transitive)}
    taken = {key.lower() for key in fixed}
    for key in command.tags:
        if key.lower() in taken:
            raise InvalidParameterError(
                f"One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key "
                f"from the calling session: {key}"
            )
    wanted = {key.lower() for key in command.transitive}
    going_on = {key for key in command.tags if key.lower() in wanted}
    return {**fixed, **command.tags}, frozenset({*fixed, *going_on})
