"""``custodes policy explain``: why a request was allowed or refused. For the operator; callers are told less.

In: a request's id, or the index of its entry. Out: facts, rules, outcome, and whether the rules decide so again.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from custodes.cli.options import DATA, DataOption, JsonOption
from custodes.cli.output import show
from custodes.core.errors import InvalidParameterError

if TYPE_CHECKING:
    from custodes.operations.policy.explain import Explanation

_AGAIN = {True: "the same again", False: "OTHERWISE when asked again", None: "not asked again: its rules are not here"}


def explain_command(
    request_id: Annotated[str | None, typer.Argument(help="Id of the request, as the caller was told it.")] = None,
    index: Annotated[int | None, typer.Option("--index", min=0, help="Or its entry in the ledger; faster.")] = None,
    data: DataOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """Tell by which facts and rules a request was decided."""
    from custodes.deployment.governance.policy import open_explanations

    if (request_id is None) == (index is None):
        raise InvalidParameterError("give either a request's id or --index")
    explanations = open_explanations(data)
    found = explanations.of_request(request_id) if request_id is not None else explanations.at(index or 0)
    show(asdict(found), _text(found), as_json=as_json)


def _text(found: Explanation) -> str:
    body = found.body
    when = datetime.fromtimestamp(found.t_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    lines = [
        f"{found.decision.upper()}  {body.get('op')} on {body.get('resource')}",
        f"entry {found.index}, {when}, request {body.get('request_id')}",
        f"account {body.get('acct')}, key {body.get('key')}",
        f"decided by {', '.join(rule.id for rule in found.rules) or body.get('rule') or 'no rule'}",
        "",
    ]
    for rule in found.rules:
        lines += [f"{rule.effect} {rule.id}: {rule.reason}", f"  source: {rule.source} ({rule.date})"]
    facts = body.get("facts")
    if isinstance(facts, dict):
        lines += ["", f"rules in force: {body.get('policy')}", "facts:"]
        lines += [f"  {name} = {json.dumps(value)}" for name, value in sorted(facts.items())]
        lines += ["", f"the provider's rules decide {_AGAIN[found.again]}"]
    if found.outcome:
        lines += ["", f"outcome: {found.outcome.get('code', found.outcome['kind'])}, entry {found.outcome['index']}"]
    return "\n".join(lines)
