"""Commands of the operator as tests place them: by name and members, without a gate or with that of a live server."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from custodes.core.errors import InvalidParameterError
from custodes.operations.requests.admin import AdminHandlers, answer_of, read_command
from tests.fakes.live import LiveServer


def carry_out(handlers: AdminHandlers, operation: str, members: Mapping[str, object]) -> Mapping[str, Any]:
    """What the handler of ``operation`` answers."""
    for kind, handler in handlers.items():
        if kind.operation == operation:
            return answer_of(handler(read_command(kind, members)))
    raise InvalidParameterError(f"no command {operation}")


def administer(server: LiveServer, operation: str, **members: object) -> Mapping[str, Any]:
    """Have ``server`` carry out a command, as the user that runs the tests."""
    assert server.deployment.administration is not None
    return server.deployment.administration.ask(operation, members, os.getuid())
