"""``custodes policy officer``: who may sign changes of the rules. Works while the server runs.

In: names and public keys. Out: a ``pol`` entry for each change. The operator appoints the first officer and the first
officer the second; from then on two officers sign for whoever comes or goes.
"""

from __future__ import annotations

import secrets
import shlex
from pathlib import Path
from typing import Annotated

import typer

from custodes.cli.options import DATA, DataOption, JsonOption
from custodes.cli.output import show
from custodes.cli.policy.policy_change import chain_state, order, save
from custodes.core.errors import InvalidParameterError, NotFoundError
from custodes.governance.provider.change_chain import ChainState
from custodes.governance.provider.proposal import propose_officers
from custodes.ledger.tlog.note import NoteError, VerifierKey
from custodes.ledger.writer.keys import SigningKey, write_secret

app = typer.Typer(help="Say who may sign changes of the rules.", no_args_is_help=True)

OutOption = Annotated[Path, typer.Option("--out", help="Proposal to write where officers must sign.")]


@app.command("key")
def key_command(
    name: Annotated[str, typer.Argument(help="Your name as an officer, in lower case.")],
    out: Annotated[Path, typer.Option("--out", help="File for the private key; keep it to yourself.")],
    as_json: JsonOption = False,
) -> None:
    """Make a key for yourself. Prints the public half, for: custodes policy officer add."""
    try:
        key = SigningKey.from_seed(name, secrets.token_bytes(32))
    except NoteError as error:
        raise InvalidParameterError(str(error)) from error
    write_secret(out, f"{key.encode()}\n".encode())
    public = str(key.verifier)
    show({"name": name, "public_key": public, "path": str(out)}, public, as_json=as_json)


@app.command("add")
def add_command(
    public_key: Annotated[str, typer.Argument(help="What custodes policy officer key printed.")],
    out: OutOption = Path("proposal.json"),
    data: DataOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """Appoint an officer: the first at once, others by a proposal for officers to sign."""
    try:
        key = VerifierKey.parse(public_key)
    except NoteError as error:
        raise InvalidParameterError(f"not a public key of an officer: {error}") from error
    state = chain_state(data)
    if key.name in state.officers:
        raise InvalidParameterError(f"{key.name} is an officer already")
    _change(data, state, {**state.officers, key.name: key.public}, out, as_json=as_json)


@app.command("remove")
def remove_command(
    name: Annotated[str, typer.Argument(help="Who goes.")],
    out: OutOption = Path("proposal.json"),
    data: DataOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """Propose that an officer goes. Two have to stay."""
    state = chain_state(data)
    if name not in state.officers:
        raise NotFoundError(f"{name} is not an officer")
    if len(state.officers) <= 2:
        raise InvalidParameterError("two officers have to stay; appoint another one first")
    _change(data, state, {other: key for other, key in state.officers.items() if other != name}, out, as_json=as_json)


@app.command("list")
def list_command(data: DataOption = DATA, as_json: JsonOption = False) -> None:
    """Show the officers and their public keys."""
    state = chain_state(data)
    keys = {name: str(VerifierKey(name, key)) for name, key in sorted(state.officers.items())}
    show(keys, "\n".join(keys.values()), as_json=as_json, none="no officers are appointed")


def _change(data: Path, state: ChainState, officers: dict[str, bytes], out: Path, *, as_json: bool) -> None:
    proposal = propose_officers(state.head, officers)
    if not state.officers:
        value = order(data, proposal)
        text = f"{', '.join(officers)} is the first officer, on record in entry {value['index']}"
        show({"officers": sorted(officers), "index": value["index"]}, text, as_json=as_json)
        return
    save(out, proposal)
    who = "the other officer" if len(state.officers) == 1 else "two officers"
    text = f"{out}: to be signed by {who}, then: {shlex.join(['custodes', 'policy', 'apply', str(out)])}"
    show({"officers": sorted(officers), "path": str(out)}, text, as_json=as_json)
