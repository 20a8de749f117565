"""``custodes key``: access keys of users and of the roots of accounts. A secret is shown once, when its key is made."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from custodes.cli.accounts.document import AccountOption
from custodes.cli.client.administration import ask
from custodes.cli.options import DATA, DataOption, JsonOption
from custodes.cli.output import show

app = typer.Typer(help="Access keys of accounts and their users.", no_args_is_help=True)

KeyArgument: TypeAlias = Annotated[str, typer.Argument(help="Access key id.", show_default=False)]
UserOption: TypeAlias = Annotated[str | None, typer.Option("--user", help="Name of the user. [default: the root]")]


@app.command("create")
def create_command(
    user: UserOption = None, account: AccountOption = None, data: DataOption = DATA, as_json: JsonOption = False
) -> None:
    """Make a key; each user has two at most. The secret is shown this once."""
    value = ask(data, "key create", user=user, account=account)
    show(value, _secret(value), as_json=as_json)


@app.command("list")
def list_command(
    user: Annotated[str | None, typer.Option("--user", help="Of this user only.")] = None,
    account: AccountOption = None,
    data: DataOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """Show the keys of an account, without the one in the data directory's credentials file."""
    found = ask(data, "key list", user=user, account=account)["keys"]
    show(found, "\n".join(_line(key) for key in found), as_json=as_json)


@app.command("rotate")
def rotate_command(key: KeyArgument, data: DataOption = DATA, as_json: JsonOption = False) -> None:
    """Make a new key in place of one, which is refused from now on. To change without a gap: create, then delete."""
    value = ask(data, "key rotate", key=key)
    show(value, _secret(value), as_json=as_json)


@app.command("disable")
def disable_command(key: KeyArgument, data: DataOption = DATA, as_json: JsonOption = False) -> None:
    """Refuse a key, and sessions that were opened with it, until it is enabled."""
    _do("disable", key, data, as_json)


@app.command("enable")
def enable_command(key: KeyArgument, data: DataOption = DATA, as_json: JsonOption = False) -> None:
    """Accept a key again."""
    _do("enable", key, data, as_json)


@app.command("delete")
def delete_command(key: KeyArgument, data: DataOption = DATA, as_json: JsonOption = False) -> None:
    """Take a key away for good."""
    _do("delete", key, data, as_json)


def _do(act: str, key: str, data: Path, as_json: bool) -> None:
    value = ask(data, f"key {act}", key=key)
    show(value, f"key {key} {act}d", as_json=as_json)


def _secret(parsed: Mapping[str, Any]) -> str:
    return f"aws_access_key_id = {parsed['access_key_id']}\naws_secret_access_key = {parsed['secret_access_key']}"


def _line(key: Mapping[str, Any]) -> str:
    used = key["used_ts_ms"]
    when = "never used" if used is None else f"used {datetime.fromtimestamp(used // 1000, UTC):%Y-%m-%d %H:%M} UTC"
    return f"{key['access_key_id']}  {'enabled ' if key['enabled'] else 'disabled'}  {key['user']}  {when}"
