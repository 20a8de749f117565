"""``custodes policy explain``: why a request was allowed or refused. For the operator; callers are told less.

In: a request's id, or the index of its entry. Out: facts, rules, outcome, and whether the rules decide so again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from custodes.cli.client.administration import ask
from custodes.cli.options import DATA, DataOption, JsonOption
from custodes.cli.output import show
from custodes.core.errors import InvalidParameterError

_AGAIN = {True: "the same again", False: "OTHERWISE when asked again", None: "not asked again: its rules are not here"}


def explain_command(
    request_id: Annotated[str | None, typer.Argument(help="Id of the request, as the caller was told it.")] = None,
    index: Annotated[int | None, typer.Option("--index", min=0, help="Or its entry in the ledger; faster.")] = None,
    data: DataOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """Tell by which facts and rules a request was decided."""
    if (request_id is None) == (index is None):
        raise InvalidParameterError("give either a request's id or --index")
    found = ask(data, "policy explain", request_id=request_id, index=index)
    show(found, _text(found), as_json=as_json)


def _text(found: Mapping[str, Any]) -> str:
    body, rules = found["body"], found["rules"]
    when = datetime.fromtimestamp(found["t_ms"] / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    lines = [
        f"{found['decision'].upper()}  {body.get('op')} on {body.get('resource')}",
        f"entry {found['index']}, {when}, request {body.get('request_id')}",
        f"account {body.get('acct')}, key {body.get('key')}",
        f"decided by {', '.join(rule['id'] for rule in rules) or body.get('rule') or 'no rule'}",
        "",
    ]
    for rule in rules:
        lines.append(f"{rule['effect']} {rule['id']}: {rule['reason']}")
        lines.append(f"  source: {rule['source']} ({rule['date']})")
    facts = body.get("facts")
    if isinstance(facts, dict):
        lines += ["", f"rules in force: {body.get('policy')}", "facts:"]
        lines += [f"  {name} = {json.dumps(value)}" for name, value in sorted(facts.items())]
        lines += ["", f"the provider's rules decide {_AGAIN[found['again']]}"]
    outcome = found["outcome"]
    if outcome:
        lines += ["", f"outcome: {outcome.get('code', outcome['kind'])}, entry {outcome['index']}"]
    return "\n".join(lines)
