"""Temporary credentials: everything about a session is inside its token, sealed; the server keeps nothing.

In: for whom, with what tags and policy, until when. Out: a key with a token, and back. A token that was altered, or
that belongs to another key, opens to nothing. Whether its owner is still there is asked at each request, by the
directory of accounts; a session also ends with the long-term key that it was first opened with.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import orjson

from custodes.core.ids import AccountId
from custodes.operations.accounts.credentials.access_keys import key_id, new_secret
from custodes.operations.accounts.ports import Sealer
from custodes.operations.requests.context import RoleSession

SESSION_KEY_PREFIX = "ASCU"
_MAX_TOKEN_LENGTH = 16 * 1024
"""Of what comes over the wire; ours are at most half as long."""


@dataclass(frozen=True, slots=True)
class OpenSession:
    """What a token holds.

    Attributes:
        access_key_id: the temporary key that the token goes with.
        secret: what it signs with.
        account_id: whose session it is.
        path: ``root``, ``user/NAME`` or ``role/NAME``.
        principal_id: id of that user or role.
        expires_ts_ms: it is refused from then on.
        session: name, time, tags, policy.
    """

    access_key_id: str
    secret: str = field(repr=False)
    account_id: AccountId
    path: str
    principal_id: str
    expires_ts_ms: int
    session: RoleSession


class SessionTokens:
    """Issues and opens tokens."""

    def __init__(self, sealer: Sealer, random: Callable[[int], bytes]) -> None:
        """Seal with ``sealer``; keys are made from ``random``."""
        self._sealer = sealer
        self._random = random

    def new_key(self) -> tuple[str, str]:
        """Id and secret of a temporary key."""
        return key_id(SESSION_KEY_PREFIX, self._random), new_secret(self._random)

    def issue(self, opened: OpenSession) -> str:
        """The token of a session."""
        members = {
            "k": opened.access_key_id,
            "s": opened.secret,
            "a": opened.account_id,
            "p": opened.path,
            "i": opened.principal_id,
            "o": opened.session.origin_key,
            "e": opened.expires_ts_ms,
            "n": opened.session.name,
            "b": opened.session.issued_ts_ms,
            "t": dict(opened.session.tags),
            "c": sorted(opened.session.transitive),
            "d": opened.session.policy,
        }
        return base64.urlsafe_b64encode(self._sealer.seal(orjson.dumps(members))).decode("ascii")

    def open(self, access_key_id: str, token: str) -> OpenSession | None:
        """What ``token`` holds; None when we did not issue it, or not with this key."""
        if len(token) > _MAX_TOKEN_LENGTH or not token.isascii():
            return None
        try:
            plain = self._sealer.open(base64.b64decode(token, altchars=b"-_", validate=True))
        except (binascii.Error, ValueError):
            return None
        if plain is None:
            return None
        parsed: Mapping[str, object] = orjson.loads(plain)
        if not hmac.compare_digest(str(parsed["k"]).encode(), access_key_id.encode()):
            return None
        return _opened(parsed)


def _opened(parsed: Mapping[str, object]) -> OpenSession:
    # Only what we sealed opens, so its members are what we wrote.
    tags, transitive, issued, expires = parsed["t"], parsed["c"], parsed["b"], parsed["e"]
    assert isinstance(tags, dict) and isinstance(transitive, list)
    assert isinstance(issued, int) and isinstance(expires, int)
    return OpenSession(
        str(parsed["k"]),
        str(parsed["s"]),
        AccountId(str(parsed["a"])),
        str(parsed["p"]),
        str(parsed["i"]),
        expires,
        RoleSession(str(parsed["n"]), issued, tags, frozenset(transitive), str(parsed["d"]), str(parsed["o"])),
    )
