"""``custodes policy``: check policies before they act. Works on files; changes nothing.

In: packs (``.cedar``), a schema (``.cedarschema``), IAM documents (``.json``), or folders of them. Out: findings,
results of cases, differences; exit status 1 when something is wrong.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from custodes.cli.options import JsonOption
from custodes.core.errors import InvalidParameterError
from custodes.governance.guardrails import PackError, shipped, shipped_schema
from custodes.governance.policy_check import Finding, lint_document, lint_set, run_cases
from custodes.governance.policy_set import PolicySet, diff

app = typer.Typer(help="Check policies before they act.", no_args_is_help=True)

_PERMISSIONS = ("StartFaceLivenessSession",)  # a permission without an operation in the service's model


@app.command("lint")
def lint_command(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Packs, IAM documents, or folders. [default: the shipped packs]")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say what in policies is not understood."""
    from custodes.edge.model import load_service

    findings: list[Finding] = []
    for path in paths or []:
        if path.is_dir() or path.suffix == ".cedar":
            findings += lint_set(_set(path))
    if not paths:
        findings += lint_set(_set(None))
    operations = [*load_service().operations, *_PERMISSIONS]
    for path in paths or []:
        for document in sorted(path.glob("*.json")) if path.is_dir() else [path] if path.suffix == ".json" else []:
            findings += lint_document(document.name, _text(document), operations)
    if as_json:
        typer.echo(json.dumps({"findings": [asdict(item) for item in findings]}))
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
        results = run_cases(_set(packs), _text(cases))
    except PackError as error:
        raise InvalidParameterError(str(error)) from error
    failed = [item for item in results if not item.passed]
    if as_json:
        typer.echo(json.dumps({"cases": [asdict(item) for item in results], "failed": len(failed)}))
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
    before, after = _set(old), _set(new)
    try:
        found = diff(before, after)
    except PackError as error:
        raise InvalidParameterError(str(error)) from error
    if as_json:
        changes = [asdict(item) for item in found.changes]
        typer.echo(json.dumps({"kind": found.kind, "old": before.digest(), "new": after.digest(), "changes": changes}))
        return
    for item in found.changes:
        typer.echo(f"{item.kind}: {item.what}: {item.subject}")
    typer.echo(f"together: {found.kind}")


def _set(path: Path | None) -> PolicySet:
    """The packs of a folder, one pack, or those shipped; with the schema beside them or the shipped one."""
    if path is None:
        return PolicySet(shipped(), shipped_schema())
    folder = path if path.is_dir() else path.parent
    packs = sorted(path.glob("*.cedar")) if path.is_dir() else [path]
    schemas = sorted(folder.glob("*.cedarschema"))
    if len(schemas) > 1:
        raise InvalidParameterError(f"{folder} has more than one schema")
    schema = _text(schemas[0]) if schemas else shipped_schema()
    return PolicySet({pack.stem: _text(pack) for pack in packs}, schema)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InvalidParameterError(f"{path} is not UTF-8 text") from error
