"""``custodes env``: shell lines that point AWS clients at this server, and at nothing when there is none.

In: a data directory and the kind of shell. Out: lines for the shell to evaluate. It creates nothing.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from custodes.cli.client.directory import require_key
from custodes.cli.options import DATA, DataPlaceOption
from custodes.core.errors import UnavailableError
from custodes.settings import from_environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_FIRST = {1: (1, 29), 2: (2, 13)}
"""The first AWS CLI of each version that takes addresses from variables."""
# The discard port: whoever calls it learns at once that nobody is there.
_NOWHERE = "http://127.0.0.1:9"


class Shell(StrEnum):
    """For which shell lines are written."""

    SH = "sh"
    """bash, zsh and every other POSIX shell."""
    FISH = "fish"
    POWERSHELL = "powershell"


ShellOption = Annotated[
    Shell, typer.Option("--shell", help="`sh` for bash and zsh, `fish`, or `powershell`.", show_default=True)
]


def env(data: DataPlaceOption = DATA, shell: ShellOption = Shell.SH) -> None:
    """Print exports that point AWS clients at the server.

    Use: eval "$(custodes env)" in bash and zsh, custodes env --shell fish | source in fish.
    """
    try:
        settings = from_environment(data=data)
        require_key(settings.data)
        lines = _exports(settings.data, shell)
    except UnavailableError as error:
        # No line at all would leave the shell as it is, and its next call, with a photo in it, would go to Amazon.
        typer.echo("\n".join(_dead_end(shell)))
        typer.echo(f"custodes: {error.message}; until then calls of Rekognition in this shell fail", err=True)
        raise typer.Exit(1) from None
    typer.echo("\n".join(lines))
    if old := _old_aws_cli():
        typer.echo(
            f"custodes: {old} ignores these variables and calls Amazon, photos included: versions from 1.29 and 2.13 "
            "on obey them; give older ones --endpoint-url each time",
            err=True,
        )


def _old_aws_cli() -> str | None:
    """The AWS CLI that `aws` starts here, if it is of before July 2023 and knows nothing of addresses in variables."""
    program = shutil.which("aws")
    if program is None:
        return None
    try:
        said = subprocess.run(  # noqa: S603 - the user's own program
            [program, "--version"], capture_output=True, text=True, timeout=10, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.match(r"aws-cli/(\d+)\.(\d+)[.\d]*", said)
    if found is None:
        return None
    major, minor = int(found[1]), int(found[2])
    return found[0] if (major, minor) < _FIRST.get(major, (0, 0)) else None


def _exports(directory: Path, shell: Shell) -> list[str]:
    from custodes.storage.files.credentials import client_environment

    found = client_environment(directory)
    return _assigned(found.values, found.unset, shell)


def _dead_end(shell: Shell) -> list[str]:
    from custodes.storage.files.credentials import SERVICES

    values = {f"AWS_ENDPOINT_URL_{service.upper()}": _NOWHERE for service in SERVICES}
    lines = _assigned(values, ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",), shell)
    return [*lines, *([] if shell is Shell.POWERSHELL else ["false"])]


def _assigned(values: Mapping[str, str], unset: Sequence[str], shell: Shell) -> list[str]:
    match shell:
        case Shell.SH:
            return [
                f"unset {' '.join(unset)}",
                *(f"export {name}={shlex.quote(text)}" for name, text in values.items()),
            ]
        case Shell.FISH:
            quoted = {name: text.replace("\\", "\\\\").replace("'", "\\'") for name, text in values.items()}
            return [f"set -e {' '.join(unset)}", *(f"set -gx {name} '{text}'" for name, text in quoted.items())]
        case Shell.POWERSHELL:
            removed = [f"Remove-Item Env:{name} -ErrorAction SilentlyContinue" for name in unset]
            quoted = {name: text.replace("'", "''") for name, text in values.items()}
            return [*removed, *(f"$Env:{name} = '{text}'" for name, text in quoted.items())]
