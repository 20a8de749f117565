"""``custodes account``: customers of this server, opened, described, suspended, closed. Works while the server runs.

In: what an operator knows about an organisation. Out: an account with its first access key, shown this once. Each
change is in the ledger before it is made.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from custodes.cli.accounts.account_limits import limits_command
from custodes.cli.client.administration import ask
from custodes.cli.input_files import json_of
from custodes.cli.options import DATA, DataOption, DataPlaceOption, JsonOption
from custodes.cli.output import show
from custodes.core.errors import InvalidParameterError
from custodes.governance.accounts.vocabulary import choices, sectors

app = typer.Typer(help="Open, describe, suspend and close accounts.", no_args_is_help=True)

AccountArgument = Annotated[str, typer.Argument(help="Account id, twelve digits.", show_default=False)]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; kept with the account, not shown to it.")]
NameOption = Annotated[str | None, typer.Option("--name", help="Legal name.")]
SectorOption = Annotated[str | None, typer.Option("--sector", help=f"One of: {', '.join(sectors())}.")]
CountryOption = Annotated[str | None, typer.Option("--country", help="Two capital letters, like NL.")]
ProfileOption = Annotated[
    Path | None,
    typer.Option(
        "--profile",
        help="JSON file with members of the profile: legal_name, country, sector, identifiers, end_customers, payers, "
        "purposes, legal_bases, evidence, references.",
    ),
]
PurposeOption = Annotated[
    str | None,
    typer.Option("--purpose", help=f"What for, where a call does not say. One of: {', '.join(choices('purpose'))}."),
]
BasisOption = Annotated[
    str | None,
    typer.Option(
        "--legal-basis",
        help=f"On what grounds, where a call does not say. One of: {', '.join(choices('legal_basis'))}.",
    ),
]
PlaceOption = Annotated[
    str | None,
    typer.Option("--place", help=f"Where, where a call does not say. One of: {', '.join(choices('place'))}."),
]
EvidenceOption = Annotated[
    list[str],
    typer.Option(
        "--evidence",
        help="For a purpose that opens an exception: PURPOSE;REFERENCE;ISSUER;DATE. May be repeated; replaces all.",
    ),
]
_DEMOGRAPHICS = "Whether age, gender and emotions may be estimated."


@app.command("create")
def create_command(
    name: NameOption = None,
    sector: SectorOption = None,
    country: CountryOption = None,
    profile: ProfileOption = None,
    purpose: PurposeOption = None,
    legal_basis: BasisOption = None,
    place: PlaceOption = None,
    evidence: EvidenceOption = [],  # noqa: B006 - the command line copies it
    demographics: Annotated[bool | None, typer.Option("--demographics/--no-demographics", help=_DEMOGRAPHICS)] = None,
    data: DataPlaceOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """Open an account. Prints its id and its first access key; the secret is shown this once."""
    members = {
        "profile": _profile(profile, name, sector, country) | _evidence(evidence),
        "stated": _stated(purpose, legal_basis, place),
        "demographics": demographics,
    }
    value = ask(data, "account create", **members)
    text = (
        f"account {value['account_id']} is {value['status']}\n"
        f"aws_access_key_id = {value['access_key_id']}\naws_secret_access_key = {value['secret_access_key']}"
    )
    show(value, text, as_json=as_json)


@app.command("list")
def list_command(data: DataOption = DATA, as_json: JsonOption = False) -> None:
    """Show all accounts, the operator's among them."""
    found = ask(data, "account list")["accounts"]
    show(found, "\n".join(_line(account) for account in found), as_json=as_json)


@app.command("show")
def show_command(account: AccountArgument, data: DataOption = DATA, as_json: JsonOption = False) -> None:
    """Show what is known about an account."""
    found = ask(data, "account show", account=account)
    show(found, json.dumps(found, indent=2, ensure_ascii=False), as_json=as_json)


@app.command("update")
def update_command(
    account: AccountArgument,
    name: NameOption = None,
    sector: SectorOption = None,
    country: CountryOption = None,
    profile: ProfileOption = None,
    purpose: PurposeOption = None,
    legal_basis: BasisOption = None,
    place: PlaceOption = None,
    evidence: EvidenceOption = [],  # noqa: B006 - the command line copies it
    demographics: Annotated[bool | None, typer.Option("--demographics/--no-demographics", help=_DEMOGRAPHICS)] = None,
    data: DataOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """Change what is known or stated about an account; what is not named stays."""
    members = {
        "account": account,
        "profile": _profile(profile, name, sector, country) | _evidence(evidence),
        "stated": _stated(purpose, legal_basis, place),
        "demographics": demographics,
    }
    found = ask(data, "account update", **members)
    show(found, _line(found), as_json=as_json)


app.command("limits")(limits_command)


@app.command("activate")
def activate_command(
    account: AccountArgument, reason: ReasonOption = "", data: DataOption = DATA, as_json: JsonOption = False
) -> None:
    """Let a pending or suspended account use the service."""
    _move("activate", account, reason, data, as_json)


@app.command("suspend")
def suspend_command(
    account: AccountArgument, reason: ReasonOption = "", data: DataOption = DATA, as_json: JsonOption = False
) -> None:
    """Refuse an account every operation until it is activated again; what it stored stays."""
    _move("suspend", account, reason, data, as_json)


@app.command("close")
def close_command(
    account: AccountArgument, reason: ReasonOption = "", data: DataOption = DATA, as_json: JsonOption = False
) -> None:
    """End an account for good: its keys are unknown from now on. What it stored stays until it is erased."""
    _move("close", account, reason, data, as_json)


def _move(act: str, account: str, reason: str, data: Path, as_json: bool) -> None:
    found = ask(data, f"account {act}", account=account, reason=reason)
    show(found, _line(found), as_json=as_json)


def _line(account: Mapping[str, Any]) -> str:
    who = account["organisation"]
    return (
        f"{account['account_id']}  {account['status']:<9}  {who['sector']:<16}  {who['country']}  {who['legal_name']}"
    )


def _profile(path: Path | None, name: str | None, sector: str | None, country: str | None) -> dict[str, object]:
    """What is said about the organisation: the file's members, and what the options say instead."""
    members: dict[str, object] = {}
    if path is not None:
        found = json_of(path)
        if not isinstance(found, dict):
            raise InvalidParameterError(f"{path} is not a JSON object")
        members = found
    said = {"legal_name": name, "sector": sector, "country": country}
    return members | {member: value for member, value in said.items() if value is not None}


def _stated(purpose: str | None, legal_basis: str | None, place: str | None) -> dict[str, object]:
    said = {"purpose": purpose, "legal_basis": legal_basis, "place": place}
    return {fact: word for fact, word in said.items() if word is not None}


def _evidence(texts: list[str]) -> dict[str, object]:
    """Evidence as the profile has it. Raises InvalidParameterError."""
    rows = [[part.strip() for part in text.split(";")] for text in texts]
    if any(len(row) != 4 for row in rows):
        raise InvalidParameterError("evidence is PURPOSE;REFERENCE;ISSUER;DATE")
    names = ("purpose", "reference", "issuer", "date")
    return {"evidence": [dict(zip(names, row, strict=True)) for row in rows]} if rows else {}
