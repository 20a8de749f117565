"""``custodes ledger``: audit, status and proofs of a ledger on disk, also while the server runs.

In: a data directory, or the folder of a copied public log with its key. Out: text or JSON; exit status 0 when all
agrees, 1 when not. It only reads, but for ``rotate-key``, which replaces the log's key.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from custodes.cli.client.administration import ask
from custodes.cli.client.directory import require_ledger
from custodes.cli.input_files import require_file, text_of
from custodes.cli.ledger.consent import SignatureOption, SignOnlyOption, SignWithOption, sign_order
from custodes.cli.ledger.period import moment
from custodes.cli.options import DATA, DataOption, DataPlaceOption
from custodes.cli.output import print_json, show
from custodes.core.errors import NotFoundError, UnavailableError
from custodes.deployment.record.audits import audit_deeply, audit_log
from custodes.deployment.record.statements import open_statements
from custodes.deployment.record.stored import LedgerSource, ledger_source, stored_ledger, stored_tiles
from custodes.ledger.tlog.checkpoint import Checkpoint, open_checkpoint
from custodes.ledger.tlog.commitment import BodyError
from custodes.ledger.tlog.entry import b64url
from custodes.ledger.tlog.note import NoteError, VerifierKey
from custodes.ledger.tlog.tiles import CHECKPOINT_PATH, LedgerCorruptError
from custodes.ledger.tree.tiles import verified_tree
from custodes.ledger.tree.tlog_proof import encode_tlog_proof
from custodes.ledger.verifier.maps.proof import MapError
from custodes.ledger.writer.audit import AuditReport
from custodes.settings import from_environment
from custodes.storage.ledger.open import LedgerPaths, old_verifiers

app = typer.Typer(help="Audit the ledger, show its state, prove entries.", no_args_is_help=True)

KeyOption = Annotated[
    Path | None, typer.Option("--key", help="File with the log's public key; by default the one in the data directory.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("audit")
def audit_command(
    data: DataPlaceOption = DATA,
    key: KeyOption = None,
    bodies: Annotated[bool, typer.Option(help="Also open the private bodies (needs their key).")] = True,
    deep: Annotated[
        bool, typer.Option("--deep", help="Also make maps, excerpts, rules and bills again from the private bodies.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Re-derive everything from stored bytes and name the first difference."""
    keys, found, source = _keys(data, key), None, _source(data)
    columns = (TextColumn("auditing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("audit", total=None)

        def watch(done: int, size: int) -> None:
            bar.update(task, completed=done, total=size)

        try:
            if deep:
                report, found = audit_deeply(source, keys, watch)
            else:
                report = audit_log(source, keys, bodies, watch)
        except (MapError, BodyError) as error:
            bar.stop()
            typer.echo(f"FIRST DIFFERENCE  {error}")
            raise typer.Exit(1) from error
    show(_as_json(report), _as_text(report), as_json=as_json)
    if report.difference is not None:
        raise typer.Exit(1)
    if found is not None:
        typer.echo(
            f"    made again and equal: {found.account_heads} heads of the account map with {found.accounts} accounts, "
            f"{found.party_heads} heads of the party map, {found.excerpts} excerpts of decisions, {found.changes} "
            f"changes of the rules, {found.months} billed months",
            err=True,
        )


@app.command("growth")
def growth_command(
    out: Annotated[Path, typer.Option("--out", help="File to write.")],
    data: DataOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """Write, for auditors, the proofs that each head of the account map continues the one before."""
    try:
        with stored_ledger(_source(data)) as stored:
            lines = list(open_statements(data, stored).maps.growth())
    except (MapError, BodyError) as error:
        raise UnavailableError(str(error)) from error
    except LookupError as error:
        raise NotFoundError(str(error)) from error
    out.write_bytes(b"".join(lines))
    if as_json:
        print_json({"path": str(out), "heads": len(lines)})
        return
    typer.echo(
        f"{out}: {len(lines)} heads; check it with: python -m custodes.ledger growth {out} --trust ... --ledger ...",
        err=True,
    )


@app.command("status")
def status_command(data: DataPlaceOption = DATA, key: KeyOption = None, as_json: JsonOption = False) -> None:
    """Show the published checkpoint, its signature checked."""
    checkpoint, _ = _checkpoint(data, _keys(data, key))
    members = {"origin": checkpoint.origin, "size": checkpoint.size, "root": checkpoint.root.hex()}
    show(members, "\n".join(f"{name}: {value}" for name, value in members.items()), as_json=as_json)


@app.command("proof")
def proof_command(
    index: Annotated[int, typer.Argument(min=0, help="Index of the entry.")],
    data: DataPlaceOption = DATA,
    key: KeyOption = None,
    out: Annotated[Path | None, typer.Option("--out", help="File to write; by default standard output.")] = None,
) -> None:
    """Write the C2SP tlog-proof of an entry."""
    checkpoint, note = _checkpoint(data, _keys(data, key))
    try:
        path = verified_tree(stored_tiles(_source(data)), checkpoint).inclusion_proof(index)
    except IndexError as error:
        raise typer.BadParameter(str(error)) from error
    except LedgerCorruptError as error:
        typer.echo(f"the log is damaged: {error}", err=True)
        raise typer.Exit(1) from error
    proof = encode_tlog_proof(index, path, note)
    if out is None:
        typer.echo(proof.decode(), nl=False)
    else:
        out.write_bytes(proof)


@app.command("rotate-key")
def rotate_key_command(data: DataOption = DATA, as_json: JsonOption = False) -> None:
    """Replace the log's key by a new one; stop the server first."""
    made = ask(data, "ledger rotate-key")
    show(made, f"entry {made['index']} of the ledger hands over to {made['public_key']}", as_json=as_json)
    typer.echo("give the new trust.policy to those who verify, and the new key to the witnesses", err=True)


@app.command("change-vrf-key")
def change_vrf_key_command(
    sign_with: SignWithOption = None,
    signature: SignatureOption = None,
    sign_only: SignOnlyOption = False,
    data: DataOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """Replace the key under which names have their places in maps, every name proven under both; also while serving.

    Where officers are appointed, two of them sign for it.
    """
    from custodes.operations.record.admin.ledger import ChangeVrfKey, vrf_order

    require_ledger(data)
    with stored_ledger(_source(data)) as stored:
        order = vrf_order(open_statements(data, stored).maps.vrf_public())
    signed = sign_order(data, ChangeVrfKey.operation, order, sign_with) if sign_with else ()
    if sign_only:
        show({"signatures": list(signed)}, "\n".join(signed), as_json=as_json)
        return
    made = ask(data, ChangeVrfKey.operation, signatures=[*(signature or ()), *signed])
    who = f"signed by {', '.join(made['signers'])}" if made["signers"] else "nobody signed, no officers are appointed"
    text = f"entry {made['index']} of the ledger brings the key {made['public_key']}; {who}"
    show(made, text, as_json=as_json)
    typer.echo("give the new trust.policy to those who verify", err=True)


@app.command("vrf-key-change")
def vrf_key_change_command(
    index: Annotated[int, typer.Argument(min=0, help="Its entry, as change-vrf-key says.")],
    out: Annotated[Path, typer.Option("--out", help="File to write.")],
    data: DataOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """Write the proofs that every place of the maps has the same under the new key; the file names nobody."""
    from custodes.operations.record.admin.ledger import ProveVrfKeyChange

    out.write_text(ask(data, ProveVrfKeyChange.operation, index=index)["file"], encoding="utf-8")
    if as_json:
        print_json({"path": str(out), "index": index})
        return
    typer.echo(f"{out}: check it with: python -m custodes.ledger verify {out} --trust ...", err=True)


@app.command("release")
def release_command(
    wheel: Annotated[Path | None, typer.Argument(help="A wheel of this program; none: what is installed here.")] = None,
    lock: Annotated[
        Path | None, typer.Option("--lock", help="The lock file by which its dependencies are installed.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Compute the digests that a start writes into the ledger, to be compared with a log's `boot` entries."""
    from custodes.operations.record.release import digests_installed, digests_of_wheel

    for path in (wheel, lock):
        if path is not None:
            require_file(path)
    found = digests_installed() if wheel is None else digests_of_wheel(wheel, lock)
    members = {"r": found.program, "m": found.models, "d": found.dependencies}
    shown = {name: b64url(digest) for name, digest in members.items() if digest is not None}
    words = {"r": "program", "m": "models", "d": "dependencies"}
    lines = [f"{name}  {digest}  {words[name]}" for name, digest in shown.items()]
    show(shown, "\n".join(lines), as_json=as_json)


@app.command("destroy-bodies")
def destroy_bodies_command(
    account: Annotated[str, typer.Option("--account", help="Account id, twelve digits.")],
    before: Annotated[str, typer.Option("--before", help="Uses before this time, like 2026-01-01.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; kept in the private part of the entry.")],
    rule: Annotated[str, typer.Option("--rule", help="Short name of the rule that asks for it; public.")],
    data: DataOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """Destroy the private parts of an account's uses; an entry says so first, and the uses stay counted."""
    until = moment(before)
    index = ask(data, "ledger destroy-bodies", account=account, before_ms=until, reason=reason, rule=rule)["index"]
    show({"index": index}, f"destroyed, as entry {index} of the ledger says", as_json=as_json)


def _keys(data: Path, key: Path | None) -> list[VerifierKey]:
    """The key that was asked for; else the directory's present key and those before it."""
    if key is None:
        require_ledger(data)
    path = LedgerPaths(data).verifier if key is None else key
    try:
        present = VerifierKey.parse(text_of(path))
        return [present, *(old_verifiers(data) if key is None else ())]
    except (OSError, NoteError) as error:
        typer.echo(f"cannot read the log's public key in {path}: {error}", err=True)
        raise typer.Exit(1) from error


def _source(data: Path) -> LedgerSource:
    return ledger_source(from_environment(data=data))


def _checkpoint(data: Path, keys: list[VerifierKey]) -> tuple[Checkpoint, bytes]:
    note = stored_tiles(_source(data)).get(CHECKPOINT_PATH)
    try:
        if note is None:
            raise NoteError("there is no checkpoint")
        return open_checkpoint(note, keys), note
    except NoteError as error:
        typer.echo(f"the checkpoint does not hold: {error}", err=True)
        raise typer.Exit(1) from error


def _as_json(report: AuditReport) -> dict[str, object]:
    return {
        "ok": report.difference is None,
        "difference": None if report.difference is None else str(report.difference),
        "size": None if report.checkpoint is None else report.checkpoint.size,
        "root": None if report.checkpoint is None else report.checkpoint.root.hex(),
        "kinds": dict(report.kinds),
        "units": report.units,
        "open": report.open,
        "bodies": report.bodies,
        "erased": report.erased,
    }


def _as_text(report: AuditReport) -> str:
    if report.difference is not None:
        return f"FIRST DIFFERENCE  {report.difference}"
    assert report.checkpoint is not None
    kinds = ", ".join(f"{count} {kind}" for kind, count in report.kinds.items()) or "no entries"
    return (
        f"OK  {report.checkpoint.origin}: {report.checkpoint.size} entries ({kinds})\n"
        f"    {report.units} units of use, {report.open} permissions not settled yet, "
        f"{report.bodies} private bodies open to their commitments, {report.erased} erased\n"
        f"    root {report.checkpoint.root.hex()}"
    )
