"""``custodes witness``: be a witness for somebody else's log, or have our own log confirmed by others.

In: a folder of its own for a witness; a data directory for a log. Out: an HTTP service; a checkpoint with
cosignatures. The two sides share nothing but the protocol (C2SP tlog-witness).
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from custodes.cli.client.administration import ask
from custodes.cli.input_files import text_of
from custodes.cli.options import DATA, DataOption, JsonOption
from custodes.cli.output import show
from custodes.core.errors import InvalidParameterError
from custodes.ledger.tlog.note import NoteError, VerifierKey, check_name
from custodes.ledger.witness.http import WitnessHttpServer
from custodes.ledger.witness.state_file import FolderMemory
from custodes.ledger.witness.witness import WitnessKey, WitnessServer
from custodes.ledger.writer.keys import load_or_create_secret

app = typer.Typer(help="Confirm other logs, or have this one confirmed.", no_args_is_help=True)

FolderOption = Annotated[Path, typer.Option("--folder", help="Folder of the witness: its key and its memory.")]
NameOption = Annotated[str, typer.Option("--name", help="Name of the witness, like witness.example/1.")]


@app.command("key")
def key_command(name: NameOption, folder: FolderOption = Path("witness"), as_json: JsonOption = False) -> None:
    """Show the witness's public key, for trust policies; makes one at the first call."""
    public = str(_key(folder, name).public)
    show({"name": name, "public_key": public}, public, as_json=as_json)


@app.command("serve")
def serve_command(
    name: NameOption,
    logs: Annotated[list[str], typer.Option("--log", help="Public key of a log to confirm (name+id+key); repeat.")],
    folder: FolderOption = Path("witness"),
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="Port; 0 takes any free one.")] = 8090,
) -> None:
    """Answer add-checkpoint requests until interrupted."""
    known: dict[str, list[VerifierKey]] = {}
    try:
        for text in logs:
            key = VerifierKey.parse(text)
            known.setdefault(key.name, []).append(key)
    except NoteError as error:
        raise InvalidParameterError(str(error)) from error
    own = _key(folder, name)
    memory = folder / "memory"
    memory.mkdir(mode=0o700, exist_ok=True)
    witness = WitnessServer(own, known, FolderMemory(memory), lambda: int(time.time()))
    with WitnessHttpServer((host, port), witness, lambda line: typer.echo(line, err=True)) as server:
        typer.echo(f"witness {own.public} on http://{host}:{server.server_address[1]}", err=True)
        server.serve_forever()


@app.command("ask")
def ask_command(
    data: DataOption = DATA,
    policy: Annotated[
        Path | None, typer.Option("--policy", help="[default: trust.policy in the data directory]")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Have the newest checkpoint confirmed by the witnesses whose addresses the trust policy gives."""
    text = None if policy is None else text_of(policy)
    answers = ask(data, "witness ask", policy=text)["witnesses"]
    facts = [{"name": each["name"], "answer": each["refused"] or "confirmed"} for each in answers]
    show(facts, "\n".join(f"{each['name']}: {each['answer']}" for each in facts), as_json=as_json)
    if any(each["refused"] is not None for each in answers):
        raise typer.Exit(1)


def _key(folder: Path, name: str) -> WitnessKey:
    try:
        seed = load_or_create_secret(folder / "witness.key")
        return WitnessKey(check_name(name), Ed25519PrivateKey.from_private_bytes(seed))
    except NoteError as error:
        raise InvalidParameterError(str(error)) from error
