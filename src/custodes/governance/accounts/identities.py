"""Who acts for an account: its root, users, roles, and the keys they sign with.

In: members of stored records. Out: frozen values and their JSON. A secret is part of a key here because whoever checks
a signature needs it; repr hides it, and only the sealed store and the signature check ever see it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from custodes.core.errors import InvalidParameterError
from custodes.core.ids import AccountId

ROOT = "root"
"""Name of the one identity of an account that its own policies cannot limit; no user can be called so."""
KEYS_PER_USER = 2
"""As in IAM: enough to change a key without a gap, too few to forget some."""

SESSION_S = range(900, 43_201)
"""How long sessions of a role may be allowed to last, in seconds; as in IAM, 15 minutes to 12 hours."""
MAX_TAGS = 50

_NAME = re.compile(r"[A-Za-z0-9+=,.@_-]{1,64}")
_TAG_KEY = re.compile(r"[\w\s.:/=+@-]{1,128}")
_TAG_VALUE = re.compile(r"[\w\s.:/=+@-]{0,256}")


@dataclass(frozen=True, slots=True)
class AccountUser:
    """A user of an account. ``user_id`` is never given out twice; ``person`` says which human being uses it.

    Several users may be of one person. Whoever opens users answers for the word.
    """

    account_id: AccountId
    name: str
    user_id: str
    tags: Mapping[str, str] = field(default_factory=dict)
    created_ts_ms: int = 0
    person: str = ""

    def encoded(self) -> bytes:
        """JSON bytes; ``user`` reads them."""
        return msgspec.json.encode(self)


@dataclass(frozen=True, slots=True)
class UserKey:
    """An access key of a user, or of the root of an account."""

    account_id: AccountId
    access_key_id: str
    secret: str = field(repr=False)
    user_name: str = ROOT
    enabled: bool = True
    created_ts_ms: int = 0

    def encoded(self) -> bytes:
        """JSON bytes with the secret; ``user_key`` reads them. Only ever stored sealed."""
        return msgspec.json.encode(self)


@dataclass(frozen=True, slots=True)
class Role:
    """What users of an account may become for a while.

    Attributes:
        account_id: whose role it is.
        name: unique in the account.
        role_id: never given out twice.
        trust: policy document that says who may assume it.
        max_session_s: longest session.
        tags: its own; session tags win over them.
        created_ts_ms: when it was made.
    """

    account_id: AccountId
    name: str
    role_id: str
    trust: str
    max_session_s: int = 3600
    tags: Mapping[str, str] = field(default_factory=dict)
    created_ts_ms: int = 0

    def encoded(self) -> bytes:
        """JSON bytes; ``role`` reads them."""
        return msgspec.json.encode(self)


def role(data: bytes) -> Role:
    """Read what ``Role.encoded`` wrote."""
    return msgspec.json.decode(data, type=Role)


def user(data: bytes) -> AccountUser:
    """Read what ``AccountUser.encoded`` wrote."""
    return msgspec.json.decode(data, type=AccountUser)


def user_key(data: bytes) -> UserKey:
    """Read what ``UserKey.encoded`` wrote."""
    return msgspec.json.decode(data, type=UserKey)


def check_identity_name(name: str) -> str:
    """``name`` if a user or role can be called so. Raises InvalidParameterError."""
    if not _NAME.fullmatch(name) or name.lower() == ROOT:
        raise InvalidParameterError("a name has 1 to 64 letters, digits or + = , . @ _ - and is not root")
    return name


def check_person(person: str) -> str:
    """``person`` if it can tell human beings apart, in small letters. Raises InvalidParameterError."""
    if not _NAME.fullmatch(person):
        raise InvalidParameterError("a person is 1 to 64 letters, digits or + = , . @ _ -, like a number of the staff")
    return person.lower()


def check_tags(tags: Mapping[str, str]) -> Mapping[str, str]:
    """``tags`` if an identity or a session can have them. Raises InvalidParameterError."""
    if len(tags) > MAX_TAGS or len({key.lower() for key in tags}) != len(tags):
        raise InvalidParameterError(f"at most {MAX_TAGS} tags, whose keys differ in more than upper and lower case")
    for key, value in tags.items():
        if not _TAG_KEY.fullmatch(key) or not _TAG_VALUE.fullmatch(value) or key.lower().startswith("aws:"):
            raise InvalidParameterError(
                "a tag has a key of 1 to 128 and a value of up to 256 letters, digits, blanks or . : / = + @ - _, "
                "and its key does not begin with aws:"
            )
    return tags


def check_session_length(seconds: int) -> int:
    """``seconds`` if sessions of a role may last so long. Raises InvalidParameterError."""
    if seconds not in SESSION_S:
        raise InvalidParameterError(f"sessions last {SESSION_S.start} to {SESSION_S.stop - 1} seconds")
    return seconds
