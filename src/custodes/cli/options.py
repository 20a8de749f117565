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


def _existing(context: typer.Context, parameter: typer.CallbackParam, given: Path) -> Path:
    """As ``_located``, and sure to be there."""
    data = _located(context, parameter, given)
    if not context.resilient_parsing:
        from custodes.cli.client.directory import require_directory

        require_directory(data)
    return data


DATA = Path("data")
"""What ``DataOption`` stands at until the settings were asked."""
_DATA_HELP = "Data directory. [default: $CUSTODES_DATA or ./data]"
DataOption: TypeAlias = Annotated[Path, typer.Option("--data", help=_DATA_HELP, callback=_existing, show_default=False)]
"""A data directory that is there already: for all commands but the few that make one."""
DataPlaceOption: TypeAlias = Annotated[
    Path, typer.Option("--data", help=_DATA_HELP, callback=_located, show_default=False)
]
"""A data directory, there or not: for commands that make one, and for those that may do without."""
DeviceOption: TypeAlias = Annotated[Device | None, typer.Option("--device", help="Where networks run.")]
EndpointOption: TypeAlias = Annotated[
    str | None, typer.Option("--endpoint", help="URL of a running server. [default: the data directory's own]")
]
CollectionOption: TypeAlias = Annotated[str, typer.Option("--collection", "-c", help="Collection id.")]
JsonOption: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
AgainOption: TypeAlias = Annotated[
    bool, typer.Option("--again", help="Index anew what was done before and whose faces were deleted since.")
]
