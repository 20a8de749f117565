"""``custodes policy``, the part that changes rules: propose, sign, apply; what is in force, what waits, what was.

In: packs, officers' keys, proposals as files. Out: proposals, signatures in them, ``pol`` entries in the ledger. A
running server is asked to apply; without one this process opens the ledger.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from custodes.cli.client.administration import ask
from custodes.cli.ledger.period import moment
from custodes.cli.options import DATA, DataOption, JsonOption
from custodes.cli.output import print_json, refuse_inputs, show
from custodes.cli.policy.policy_text import SET_HELP, policy_set
from custodes.core.clock import SystemClock
from custodes.core.errors import InvalidParameterError, NotFoundError, UnavailableError
from custodes.deployment.record.stored import ledger_source, stored_documents
from custodes.durable import write_durably
from custodes.governance.provider.change_chain import ChainState
from custodes.governance.provider.guardrails import PACKS, SCHEMA_FILE, PackError, shipped
from custodes.governance.provider.policy_set import PolicyDifference, PolicySet, diff
from custodes.governance.provider.proposal import (
    Proposal,
    earliest_ms,
    propose_set,
    read_proposal,
    signatures_needed,
)
from custodes.governance.provider.records import replay, to_json
from custodes.ledger.tlog.note import NoteError
from custodes.ledger.writer.keys import SigningKey, read_secret
from custodes.settings import from_environment
from custodes.storage.files.policy import PolicyFiles, policy_files

PackOption = list[str] | None
ProposalArgument = Annotated[Path, typer.Argument(help="Proposal.", exists=True, dir_okay=False)]


def propose_command(
    path: Annotated[Path | None, typer.Argument(help=SET_HELP, exists=True)] = None,
    out: Annotated[Path, typer.Option("--out", help="Proposal to write.")] = Path("proposal.json"),
    enable: Annotated[PackOption, typer.Option("--enable", help=f"Add a shipped pack: {', '.join(PACKS)}.")] = None,
    disable: Annotated[PackOption, typer.Option("--disable", help="Take a pack out.")] = None,
    not_before: Annotated[str | None, typer.Option("--not-before", help="Act then at the earliest, in UTC.")] = None,
    data: DataOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """Write down a change of the rules in force, for officers to sign."""
    refuse_inputs(out, () if path is None else (path, *path.glob("*")) if path.is_dir() else (path,))
    with opened(data) as (files, state):
        before = files.policy(state.in_force)
    packs = dict(before.packs if path is None and (enable or disable) else policy_set(path).packs)
    schema = before.schema if path is None and (enable or disable) else policy_set(path).schema
    for name in enable or []:
        if name not in PACKS:
            raise InvalidParameterError(f"no pack {name} is shipped; there are: {', '.join(PACKS)}")
        packs |= shipped((name,))
    for name in disable or []:
        if packs.pop(name, None) is None:
            raise NotFoundError(f"no pack {name} is in force")
    after = PolicySet(packs, schema)
    found = _difference(before, after)
    earliest = _earliest(found, state, not_before)
    proposal = propose_set(state.in_force, after, earliest)
    save(out, proposal)
    needed = signatures_needed(found.kind)
    text = f"{_changes(found)}\n{out}: to be signed by {needed} of the officers, acts {_when(earliest)}"
    show({"path": str(out), "kind": found.kind, "signatures": needed, "not_before_ms": earliest}, text, as_json=as_json)


def sign_command(
    proposal: ProposalArgument,
    key: Annotated[Path, typer.Option("--key", help="Your private key, of: custodes policy officer key.", exists=True)],
    data: DataOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """Sign a proposal with an officer's key, after telling what it changes."""
    found = _proposal(proposal)
    try:
        signer = SigningKey.parse(read_secret(key).decode())
    except (NoteError, UnicodeDecodeError) as error:
        raise UnavailableError(f"the key {key} cannot be used: {error}") from error
    typer.echo(_subject(found, data), err=as_json)  # what is signed is said in any case
    save(proposal, found.signed(signer.name, signer.sign))
    show({"path": str(proposal), "signer": signer.name}, f"{proposal}: signed by {signer.name}", as_json=as_json)


def apply_command(proposal: ProposalArgument, data: DataOption = DATA, as_json: JsonOption = False) -> None:
    """Put a signed change on record. Tightening acts at once; a weakening when its notice has run out."""
    value = order(data, _proposal(proposal))
    if as_json:
        print_json(value)
        return
    waiting = value["state"]["waiting"]
    what = "in force now" if waiting is None else f"takes force {_when(waiting['effective_ms'])}"
    typer.echo(f"on record in entry {value['index']}; {what}")


def status_command(data: DataOption = DATA, as_json: JsonOption = False) -> None:
    """Show the rules in force, what waits, and who may change them."""
    with opened(data) as (files, state):
        policy = files.policy(state.in_force)
        waiting = None if state.waiting is None else diff(policy, files.policy(state.waiting.policy))
    shown: dict[str, Any] = {**to_json(state), "packs": sorted(policy.packs), "rules": len(policy.rules())}
    if waiting is not None:
        changes = [f"{item.what}: {item.subject}" for item in waiting.changes]
        shown["waiting"] |= {"kind": waiting.kind, "changes": changes}
    if as_json:
        print_json(shown)
        return
    typer.echo(f"in force: {state.in_force}\n  {shown['rules']} rules of {', '.join(shown['packs'])}")
    if state.waiting is not None:
        typer.echo(f"waits: {state.waiting.policy}\n  takes force {_when(state.waiting.effective_ms)}")
        typer.echo("\n".join(f"  {line}" for line in shown["waiting"]["changes"]))
    officers = ", ".join(sorted(state.officers)) or "none, so the set of the program is in force"
    typer.echo(f"officers: {officers}\nnotice of a weakening: {shown['notice_days']:g} days")


def history_command(data: DataOption = DATA, as_json: JsonOption = False) -> None:
    """Show every change of the rules with its entry in the ledger."""
    rows: list[dict[str, Any]] = []
    with _rules(data) as files:
        records = files.records()
    for placed in records:
        record, place = placed.record, placed.place
        if place is not None:
            signers = sorted(record.manifest.signatures) if record.manifest else []
            rows.append(
                {
                    "act": record.act.value,
                    "index": place.index,
                    "policy": record.policy,
                    "recorded_ms": place.t_ms,
                    "not_before_ms": record.manifest.not_before_ms if record.manifest else 0,
                    "signers": signers,
                    "officers": sorted(record.officers),
                }
            )
    if as_json:
        print_json(rows)
        return
    for row in rows:
        who = f"signed by {', '.join(row['signers'])}" if row["signers"] else "signed by nobody"
        typer.echo(f"entry {row['index']}  {_date(row['recorded_ms'])}  {row['act']:<8}  {row['policy'][:16]}  {who}")


def export_command(
    folder: Annotated[Path, typer.Argument(help="Folder to write; must not hold packs yet.")],
    data: DataOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """Write the rules in force as files, to be read or edited."""
    with opened(data) as (files, state):
        policy = files.policy(state.in_force)
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.glob("*.cedar*")):
        raise InvalidParameterError(f"{folder} holds packs already")
    for name, text in policy.packs.items():
        (folder / f"{name}.cedar").write_text(text, encoding="utf-8")
    (folder / SCHEMA_FILE).write_text(policy.schema, encoding="utf-8")
    text = f"{folder}: {len(policy.packs)} packs and their schema"
    show({"path": str(folder), "packs": sorted(policy.packs)}, text, as_json=as_json)


def order(data: Path, proposal: Proposal) -> Mapping[str, Any]:
    """Have a proposal applied. Raises CustodesError: it may not act, or could not be put on record."""
    with _rules(data):
        return ask(data, "policy apply", proposal=proposal.members())


@contextmanager
def opened(data: Path) -> Iterator[tuple[PolicyFiles, ChainState]]:
    """The rules of a data directory and where their changes lead. Raises UnavailableError."""
    with _rules(data) as files:
        yield files, replay(files)


def chain_state(data: Path) -> ChainState:
    """Where the changes of the rules of a data directory lead. Raises UnavailableError."""
    with _rules(data) as files:
        return replay(files)


@contextmanager
def _rules(data: Path) -> Iterator[PolicyFiles]:
    with stored_documents(ledger_source(from_environment(data=data))) as documents:
        yield policy_files(documents)


def _proposal(path: Path) -> Proposal:
    try:
        return read_proposal(json.loads(path.read_bytes()))
    except (PackError, ValueError) as error:
        raise InvalidParameterError(f"{path} cannot be read: {error}") from error


def save(path: Path, proposal: Proposal) -> None:
    """Write a proposal, to be handed on."""
    write_durably(path, json.dumps(proposal.members(), indent=1).encode() + b"\n", 0o644)


def _difference(before: PolicySet, after: PolicySet) -> PolicyDifference:
    try:
        found = diff(before, after)
    except PackError as error:
        raise InvalidParameterError(str(error)) from error
    if after.digest() == before.digest():
        raise InvalidParameterError("this set is in force already")
    return found


def _earliest(found: PolicyDifference, state: ChainState, wanted: str | None) -> int:
    if wanted is not None:
        return moment(wanted) or 0
    return earliest_ms(found.kind, SystemClock().now_ms(), state.notice_ms)


def _subject(proposal: Proposal, data: Path) -> str:
    """What a signature is put under."""
    if proposal.policy is None:
        return f"officers after it: {', '.join(sorted(proposal.officers))}"
    with _rules(data) as files:
        found = diff(files.policy(proposal.manifest.previous), proposal.policy)
    return f"{_changes(found)}\nnot before: {_when(proposal.manifest.not_before_ms)}"


def _changes(found: PolicyDifference) -> str:
    lines = [f"{item.kind}: {item.what}: {item.subject}" for item in found.changes] or ["no rule changes"]
    return "\n".join([*lines, f"together: {found.kind}"])


def _when(ms: int) -> str:
    return f"at {_date(ms)}" if ms else "at once"


def _date(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
