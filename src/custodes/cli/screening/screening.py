"""``custodes screening``: who stands behind customers, and what was decided about them. Works while the server runs."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from custodes.cli.client.administration import ask
from custodes.cli.input_files import require_file
from custodes.cli.options import DATA, DataOption, JsonOption
from custodes.cli.output import refuse_inputs, show
from custodes.core.errors import InvalidParameterError

app = typer.Typer(help="Screen customers, decide about hits.", no_args_is_help=True)
officer_app = typer.Typer(help="Who may decide about findings.", no_args_is_help=True)
app.add_typer(officer_app, name="officer")

AccountArgument = Annotated[str, typer.Argument(help="Account id, twelve digits.", show_default=False)]
EvidenceOption = Annotated[
    list[Path] | None,
    typer.Option("--evidence", help="Document it rests on; its SHA-256 is kept, several times for several."),
]
KeyOption = Annotated[Path, typer.Option("--key", help="The officer's private key, as `officer add` wrote it.")]


@app.command("graph")
def graph_command(
    path: Annotated[Path, typer.Argument(help="File of the register.", exists=True, dir_okay=False)],
    form: Annotated[str, typer.Option("--format", help="bods, psc or gleif.")],
    subject: Annotated[
        str, typer.Option("--subject", help="bods: id, number or name; psc: company number; gleif: LEI.")
    ],
    out: Annotated[Path | None, typer.Option("--out", help="File to write. [default: print]")] = None,
) -> None:
    """Turn a register of owners into an organisation file: everybody behind one party."""
    from custodes.screening.organisation import organisation_to_json
    from custodes.screening.registers.read import read_register

    refuse_inputs(out, [path])
    graph = read_register(path, form, subject)
    data = orjson.dumps(organisation_to_json(graph), option=orjson.OPT_INDENT_2)
    if out is None:
        typer.echo(data)
        return
    out.write_bytes(data + b"\n")
    typer.echo(f"{out}: {len(graph.parties)} parties, {len(graph.edges)} edges", err=True)


@app.command("list")
def list_command(
    verdict: Annotated[str | None, typer.Option("--verdict", help="clear, review or blocked.")] = None,
    data: DataOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """Show every customer with its verdict."""
    found = ask(data, "screening list", verdict=verdict)["cases"]
    show(found, "\n".join(_line(case) for case in found), as_json=as_json)


@app.command("show")
def show_command(
    account: AccountArgument,
    picture: Annotated[Path | None, typer.Option("--picture", help="Draw who stands behind it: an SVG file.")] = None,
    data: DataOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """Show what was found on a customer, what was decided, and what is open."""
    found = dict(ask(data, "screening show", account=account, picture=picture is not None))
    drawn = found.pop("picture", "")
    if picture is not None:
        picture.write_text(str(drawn), encoding="utf-8")
    show(found, _case(found), as_json=as_json)


@app.command("explain")
def explain_command(
    account: AccountArgument,
    out: Annotated[
        Path | None, typer.Option("--out", help="Write it as a page with the picture: an HTML file.")
    ] = None,
    data: DataOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """Explain what was found on a customer: what speaks for it, what against, what is not known."""
    found = dict(ask(data, "screening explain", account=account))
    page = found.pop("page", "")
    if out is not None:
        out.write_text(str(page), encoding="utf-8")
    show(found, _explained(found), as_json=as_json)


@app.command("status")
def status_command(data: DataOption = DATA, as_json: JsonOption = False) -> None:
    """Show how fresh screening is: who was held against the newest lists, and when."""
    found = ask(data, "screening status")
    verdicts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(found["verdicts"].items())) or "no customers"
    lines = [verdicts, f"last run over everybody: {_time(found['ran_at_ms'])}"]
    lines.append(f"screened longest ago: {_time(found['oldest_at_ms'])}")
    lines.append(
        f"{found['behind']} not yet held against the newest lists" if found["lists"] else "no list is in force"
    )
    if found["done"] is not None:
        lines.append(f"a run is in progress: {found['done']} of {sum(found['verdicts'].values())} done")
    show(found, "\n".join(lines), as_json=as_json)


@app.command("drafts")
def drafts_command(
    out: Annotated[Path, typer.Option("--out", help="Folder for them, new or empty.")],
    data: DataOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """Write the drafts of reports to authorities, which a blocked customer asks for, into a folder."""
    from custodes.deployment.record.stored import ledger_source, stored_documents
    from custodes.settings import from_environment
    from custodes.storage.files.directory import write_secret
    from custodes.storage.sql.screening.cases import DRAFTS

    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(out.iterdir()):
        raise InvalidParameterError(f"{out} is not empty")
    with stored_documents(ledger_source(from_environment(data=data))) as documents:
        names = list(documents.names(DRAFTS))
        for name in names:
            write_secret(out / name, documents.get(f"{DRAFTS}/{name}") or b"")
    show({"path": str(out), "drafts": names}, "\n".join(str(out / name) for name in names), as_json=as_json)


@app.command("put")
def put_command(
    account: AccountArgument,
    organisation: Annotated[
        Path, typer.Option("--organisation", help="Who owns and controls it: JSON, see docs/ownership.md.", exists=True)
    ],
    evidence: EvidenceOption = None,
    data: DataOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """Declare who stands behind a customer. It is screened at once, and the ledger keeps everybody in it."""
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in evidence or ()]
    path = str(organisation.resolve())
    found = ask(data, "screening put", account=account, path=path, evidence=digests)
    show(found, _case(found), as_json=as_json)


@app.command("refresh")
def refresh_command(data: DataOption = DATA, as_json: JsonOption = False) -> None:
    """Bring every customer up to the newest lists now. A running server does so by itself within seconds."""
    found = ask(data, "screening refresh")["verdicts"]
    show(found, ", ".join(f"{count} {verdict}" for verdict, count in found.items()) or "no customers", as_json=as_json)


@app.command("decide")
def decide_command(
    finding: Annotated[str, typer.Argument(help="Key of the finding, see `show`.")],
    call: Annotated[
        str, typer.Option("--call", help="false: somebody else; true: it is them; accept: so it is, and no obstacle.")
    ],
    officer: Annotated[str, typer.Option("--officer", help="Who decides.")],
    key: KeyOption,
    reason: Annotated[str, typer.Option("--reason", help="Why, in words.")],
    evidence: EvidenceOption = None,
    data: DataOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """Decide about a finding. Setting a customer free takes two officers; holding it back takes one."""
    from dataclasses import replace

    from custodes.screening.assessment import Decision

    digests = tuple(hashlib.sha256(path.read_bytes()).hexdigest() for path in evidence or ())
    decision = Decision(finding, call, officer, reason.strip(), digests, int(time.time() * 1000))
    signed = replace(decision, signature=_private(key).sign(decision.message()))
    members = {
        "finding": finding, "call": call, "officer": officer, "reason": signed.reason,
        "evidence": list(digests), "at_ms": signed.at_ms, "signature": signed.signature.hex(),
    }  # fmt: skip
    found = ask(data, "screening decide", **members)["finding"]
    show(found, f"{found['finding']} is {_STATES.get(found['state'], found['state'])}", as_json=as_json)


@officer_app.command("add")
def officer_add_command(
    name: Annotated[str, typer.Argument(help="Name of the officer.")],
    key: Annotated[Path, typer.Option("--key", help="Private key file: made here unless it is there already.")],
    data: DataOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """Let somebody decide. Keep the key where only that person can use it."""
    found = ask(data, "screening officer add", name=name, public=_made(key))
    show(found, f"{found['name']} may decide, with the key {found['public']}", as_json=as_json)


@officer_app.command("list")
def officer_list_command(data: DataOption = DATA, as_json: JsonOption = False) -> None:
    """Show all officers, those who left as well."""
    found = ask(data, "screening officer list")["officers"]
    lines = (f"{one['name']}\t{one['public']}\t{'left' if one['until_ms'] else 'in office'}" for one in found)
    show(found, "\n".join(lines), as_json=as_json)


@officer_app.command("remove")
def officer_remove_command(
    name: Annotated[str, typer.Argument(help="Name of the officer.")],
    data: DataOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """End an office. What was decided stays decided."""
    found = ask(data, "screening officer remove", name=name)
    show(found, f"{found['name']} may no longer decide", as_json=as_json)


_STATES = {
    "open": "open",
    "half": "waiting for a second officer",
    "false": "dismissed",
    "true": "confirmed",
    "accept": "accepted",
}


def _line(case: Mapping[str, Any]) -> str:
    parties = f"{case['parties']:>5} {'party  ' if case['parties'] == 1 else 'parties'}"
    return f"{case['account_id']}  {case['verdict']:<8} {case['status']:<10} {parties}  {case['name']}"


def _case(case: Mapping[str, Any]) -> str:
    lines = [_line(case)]
    for one in case["findings"]:
        lines.append(
            f"  {one['finding']}  {_STATES.get(one['state'], one['state'])}  {one['score']:.2f}  {one['text']}"
        )
        lines += [f"    {parsed['officer']}: {parsed['call']}, {parsed['reason']}" for parsed in one["decisions"]]
    for path in case["paths"]:
        chain = " -> ".join([*(edge["owner"] for edge in path["steps"]), path["party"]])
        lines.append(f"  {path['regime']} {'certain' if path['certain'] else 'possible'}: {chain}: {path['rule']}")
    return "\n".join(lines)


def _explained(case: Mapping[str, Any]) -> str:
    lines = [_line(case)]
    for one in case["findings"]:
        lines += ["", f"{one['text']}: {one['score']:.2f}, {_STATES.get(one['state'], one['state'])}", one["finding"]]
        for title, what in (("for", "for"), ("against", "against"), ("not known", "not_known")):
            lines += [f"  {title}: {text}" for text in one[what]]
        lines += [
            f"  {fact['what']}: {fact['ours'] or '-'} | {fact['theirs'] or '-'}"
            for fact in one["facts"] if fact["ours"] or fact["theirs"]
        ]  # fmt: skip
        lines += [f"  {each['officer']}: {each['call']}, {each['reason']}" for each in one["decisions"]]
    return "\n".join(lines)


def _time(at_ms: int | None) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if at_ms else "never"


def _private(path: Path) -> Any:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    require_file(path)
    try:
        found = load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise InvalidParameterError(f"{path} holds no private key that can be read") from error
    if not isinstance(found, Ed25519PrivateKey):
        raise InvalidParameterError(f"{path} holds no Ed25519 key")
    return found


def _made(path: Path) -> str:
    """The public key of the file in hexadecimal; the file is made, for its owner only, where there is none."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    from custodes.storage.files.directory import write_secret

    if not path.exists():
        made = Ed25519PrivateKey.generate()
        write_secret(path, made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return str(_private(path).public_key().public_bytes_raw().hex())
