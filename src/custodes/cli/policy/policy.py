"""``custodes policy``: check policies before they act, change those of the provider, explain what they decided.

In here: lint, test and diff, which work on files and change nothing. In: packs (``.cedar``), a schema
(``.cedarschema``), IAM documents (``.json``), or folders of them. Out: findings, results of cases, differences; exit
status 1 when something is wrong. The other commands are in ``policy_change``, ``policy_officer``, ``policy_explain``.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from custodes.cli.input_files import require_present, text_of
from custodes.cli.options import JsonOption
from custodes.cli.output import print_json
from custodes.cli.policy import policy_officer
from custodes.cli.policy.policy_change import (
    apply_command,
    export_command,
    history_command,
    propose_command,
    sign_command,
    status_command,
)
from custodes.cli.policy.policy_explain import explain_command
from custodes.cli.policy.policy_text import policy_set
from custodes.core.errors import InvalidParameterError
from custodes.governance.provider.guardrails import PACKS, PackError
from custodes.governance.provider.lint import LintFinding, lint_document, lint_set, run_cases
from custodes.governance.provider.policy_set import diff

app = typer.Typer(help="Check policies, change the provider's rules, explain decisions.", no_args_is_help=True)


@app.command("lint")
def lint_command(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Packs, IAM documents, or folders. [default: the shipped packs]")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say what in policies is not understood."""
    from custodes.edge.aws.model import load_service
    from custodes.operations.liveness.commands import STREAMED
    from custodes.operations.reviews.reviews import OPERATIONS

    findings: list[LintFinding] = []
    for path in paths or []:
        require_present(path)
        if not path.is_dir() and path.suffix not in (".cedar", ".json"):
            raise InvalidParameterError(f"{path} is no folder, and no file of rules (.cedar) or of a policy (.json)")
        if path.is_dir() or path.suffix == ".cedar":
            findings += lint_set(policy_set(path))
    if not paths:
        findings += lint_set(policy_set(None, PACKS))
    operations = [*load_service().known, *OPERATIONS, *STREAMED]
    for path in paths or []:
        for document in sorted(path.glob("*.json")) if path.is_dir() else [path] if path.suffix == ".json" else []:
            findings += lint_document(document.name, text_of(document), operations)
    if as_json:
        print_json({"findings": [asdict(item) for item in findings]})
    else:
        typer.echo("\n".join(f"{item.name}: {item.problem}" for item in findings) or "nothing found")
    if findings:
        raise typer.Exit(1)


@app.command("test")
def test_command(
    cases: Annotated[Path, typer.Argument(help="JSON list of cases: name, operation, facts, allowed, rule.")],
    packs: Annotated[Path | None, typer.Option("--packs", help="Pack or folder. [default: the shipped packs]")] = None,
    as_json: JsonOption = False,
) -> None:
    """Decide cases and compare with what is expected."""
    try:
        results = run_cases(policy_set(packs, PACKS), text_of(cases))
    except PackError as error:
        raise InvalidParameterError(str(error)) from error
    failed = [item for item in results if not item.passed]
    if as_json:
        print_json({"cases": [asdict(item) for item in results], "failed": len(failed)})
    else:
        for item in failed:
            word = "allowed" if item.allowed else "denied"
            typer.echo(f"{item.name}: {word} by {', '.join(item.rules) or 'no rule'}")
        typer.echo(f"{len(results) - len(failed)} of {len(results)} cases as expected")
    if failed:
        raise typer.Exit(1)


@app.command("diff")
def diff_command(
    old: Annotated[Path, typer.Argument(help="Pack or folder as it is.")],
    new: Annotated[Path, typer.Argument(help="Pack or folder as it should be.")],
    as_json: JsonOption = False,
) -> None:
    """Tell whether a change tightens or weakens, rule by rule."""
    before, after = policy_set(old), policy_set(new)
    try:
        found = diff(before, after)
    except PackError as error:
        raise InvalidParameterError(str(error)) from error
    if as_json:
        changes = [asdict(item) for item in found.changes]
        print_json({"kind": found.kind, "old": before.digest(), "new": after.digest(), "changes": changes})
        return
    for item in found.changes:
        typer.echo(f"{item.kind}: {item.what}: {item.subject}")
    typer.echo(f"together: {found.kind}")


for name, change in (
    ("propose", propose_command),
    ("sign", sign_command),
    ("apply", apply_command),
    ("status", status_command),
    ("history", history_command),
    ("export", export_command),
    ("explain", explain_command),
):
    app.command(name)(change)
app.add_typer(policy_officer.app, name="officer")
