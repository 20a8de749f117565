"""Questions about single pictures: to a data directory that was named, through its gate and on record; else just here.

In: settings, the data directory if one was named. Out: something to call operations of. Where none was named the answer
is computed in this process, and standard error says that the use is not on record.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Protocol, TypeAlias

import typer

from custodes.settings import Settings

RecordOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--data",
        envvar="CUSTODES_DATA",
        show_envvar=False,
        help="Data directory whose gate the use passes and whose ledger has it. [default: $CUSTODES_DATA, else none]",
    ),
]
"""A data directory, or None for a use that is not on record."""


class PictureApi(Protocol):
    """Calls operations on pictures."""

    def call(self, operation: str, **members: Any) -> Mapping[str, Any]:
        """Answer of ``operation``. Raises CustodesError."""
        ...


@contextmanager
def open_pictures(settings: Settings, data: Path | None) -> Iterator[PictureApi]:
    """The API of ``data``, asked through its server where one runs; without one, the networks in this process.

    Raises:
        UnavailableError: the directory cannot be used, or networks are missing.
    """
    if data is not None:
        from custodes.cli.client.connection import open_api

        with open_api(replace(settings, data=data), None) as api:
            yield api
        return
    from custodes.cli.output import say_unrecorded
    from custodes.deployment.offline import open_offline

    say_unrecorded()
    with open_offline(settings) as api:
        yield api
