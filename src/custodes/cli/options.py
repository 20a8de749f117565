"""Options that several commands share, each spelled and explained once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from custodes.core.device import Device


def _located(context: typer.Context, parameter: typer.CallbackParam, given: Path) -> Path:
    """The directory of the command line, else the one that the settings name."""
    from custodes.settings import from_environment

    source = context.get_parameter_source(parameter.name or "")
    asked = source is not None and source.name == "COMMANDLINE"
    return from_environment(data=given if asked else None).data


DATA = Path("data")
"""What ``DataOption`` stands at until the settings were asked."""
DataOption: TypeAlias = Annotated[
    Path,
    typer.Option(
        "--data", help="Data directory. [default: $CUSTODES_DATA or ./data]", callback=_located, show_default=False
    ),
]
DeviceOption: TypeAlias = Annotated[Device | None, typer.Option("--device", help="Where networks run.")]
EndpointOption: TypeAlias = Annotated[
    str | None, typer.Option("--endpoint", help="URL of a running server. [default: the data directory's own]")
]
CollectionOption: TypeAlias = Annotated[str, typer.Option("--collection", "-c", help="Collection id.")]
JsonOption: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
AgainOption: TypeAlias = Annotated[
    bool, typer.Option("--again", help="Index anew what was done before and whose faces were deleted since.")
]
