"""One operation's way: AWS parameters to a command, through the gate, result to AWS output, with its receipt.

In: a parser, a use case, a renderer. Out: a handler for the dispatcher. Every handler is made here, so there is no
handler that does not pass the gate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from custodes.edge.aws.wire import Handler
from custodes.operations.requests.command import Command
from custodes.operations.requests.context import Context
from custodes.operations.requests.gate import Gate, Permit
from custodes.operations.requests.receipts import Released

Params = Mapping[str, Any]
Output = dict[str, Any]

C = TypeVar("C", bound=Command)
R = TypeVar("R")


def gated(
    gate: Gate, parse: Callable[[Params], C], run: Callable[[Permit, C], R], render: Callable[[R], Output]
) -> Handler:
    """A handler that parses, has ``gate`` perform ``run`` and renders what it released."""

    def handle(context: Context, params: Params) -> Released[Params]:
        return gate.perform(context, parse(params), run).map(render)

    return handle


def nothing(_: None) -> Output:
    """The empty answer."""
    return {}
