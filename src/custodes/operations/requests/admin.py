"""Commands of the operator: what every one has, and their form as JSON.

In: the name of an operation with its members, from a command line or the console. Out: a typed command that passes the
gate like any other. They are not part of the API: a key alone asks for none of them over the network.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, ClassVar, Protocol

import orjson

from custodes.core.errors import InvalidParameterError
from custodes.operations.requests.command import Command
from custodes.operations.requests.properties import CHANGES, Properties

AdminAnswer = Mapping[str, Any]
"""A result as plain JSON values."""


class AdminResult(Protocol):
    """What a command came to: a frozen dataclass. Its members are those of the answer."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


AdminHandlers = Mapping[type["AdminCommand"], Callable[[Any], AdminResult]]
"""What carries out a command, by its class."""


@dataclass(frozen=True, slots=True)
class Done:
    """The result of a command that has nothing to tell."""


@dataclass(frozen=True, slots=True)
class EntryWritten:
    """The entry of the ledger that a command led to."""

    index: int


def answer_of(result: AdminResult) -> AdminAnswer:
    """A result as plain JSON values; bytes in hexadecimal. The one place where results become JSON."""
    answer: AdminAnswer = orjson.loads(orjson.dumps(result, default=_plain))
    return answer


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no place in an answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminCommand(Command):
    """A command of the operator. ``operation`` is spelled like the words that ask for it on the command line."""

    service: ClassVar[str] = "admin"
    properties: ClassVar[Properties] = CHANGES

    @property
    def subject(self) -> str:
        """The account that it is about; empty for none in particular."""
        return str(getattr(self, "account", None) or "")

    def facts(self) -> Mapping[str, object]:
        """Whom it is about."""
        return {"account": self.subject}


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountAdminCommand(AdminCommand):
    """A command about one account; without one it is about the operator's."""

    account: str | None = None


def read_command(kind: type[AdminCommand], members: Mapping[str, object]) -> AdminCommand:
    """A command of ``kind`` from JSON values; None stands for what is left out.

    Raises:
        InvalidParameterError: a member is missing, unknown or of another type.
    """
    hints, given = _hints(kind), {name: value for name, value in members.items() if value is not None}
    unknown = given.keys() - hints.keys()
    if unknown:
        raise InvalidParameterError(f"{kind.operation} has no {sorted(unknown)[0]}")
    for item in fields(kind):
        required = item.default is MISSING and item.default_factory is MISSING
        if required and given.get(item.name) in (None, ""):
            raise InvalidParameterError(f"{kind.operation} lacks {item.name}")
    return kind(**{name: _value(name, hints[name], value) for name, value in given.items()})


def _hints(kind: type[AdminCommand]) -> Mapping[str, Any]:
    known = typing.get_type_hints(kind)
    return {item.name: known[item.name] for item in fields(kind)}


def _value(name: str, hint: Any, value: object) -> object:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is types.UnionType:
        return _value(name, arguments[0], value)
    if origin is tuple and isinstance(value, list | tuple):
        return tuple(_value(name, arguments[0], one) for one in value)
    if origin is Mapping and isinstance(value, dict):
        return {str(key): _value(name, arguments[1], one) for key, one in value.items()}
    if hint is object or (isinstance(hint, type) and type(value) is hint):
        return value
    raise InvalidParameterError(f"{name} is not of the right type")
