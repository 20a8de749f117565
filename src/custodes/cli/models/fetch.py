"""Fetching models with progress that people see, on a terminal as bars and elsewhere as lines.

In: settings and cards. Out: what became of each card. ``serve --fetch`` and ``models fetch`` share it.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from custodes.models.card import Archive, Fetchable
from custodes.models.store import ModelStore
from custodes.settings import Settings

if TYPE_CHECKING:
    from custodes.models.fetch import Fetched
    from custodes.models.sources import Progress, Tools

_LINE_EVERY_S = 5.0
_COUNTED = 1000
"""Steps up to this total count things, not bytes: they are short, and named once."""


class ProgressLines:
    """Says on standard error when a step begins, how far a long one is, and when it is done."""

    def __init__(self) -> None:
        """Nothing was said yet."""
        self._said: dict[str, float] = {}

    def report(self, label: str, done: int, total: int) -> None:
        """A line at the beginning, every five seconds, and at the end."""
        last, now = self._said.get(label), time.monotonic()
        ended = done >= total
        if last is not None and (last == float("inf") or (now - last < _LINE_EVERY_S and not ended)):
            return
        self._said[label] = float("inf") if total <= _COUNTED or (ended and last is not None) else now
        share = "" if total <= _COUNTED else f": {100 * done // total} % of {total / 1e6:.1f} MB"
        typer.echo(f"{label}{share}", err=True)


def fetch_with_progress(settings: Settings, cards: Sequence[Fetchable]) -> list[Fetched]:
    """Bring ``cards`` into the store that ``settings`` name. Raises UnavailableError: it cannot be written."""
    # Importers need the onnx package, which nothing else does: only who fetches pays for loading it.
    from custodes.models.fetch import fetch

    with _tools(settings) as tools:
        return fetch(ModelStore(settings.models_folder), cards, tools)


def fetch_archive(settings: Settings, archive: Archive) -> Path:
    """The pinned file, in the mirror or among the downloads. Raises SourceError, ModelFileError."""
    from custodes.models.sources import obtain

    with _tools(settings) as tools:
        return obtain(archive, ModelStore(settings.models_folder).downloads, tools)


@contextmanager
def _tools(settings: Settings) -> Iterator[Tools]:
    """Those of this machine, with progress."""
    from custodes.models.sources import local_tools

    with _progress() as progress:
        yield local_tools(os.environ, Path(settings.mirror) if settings.mirror else None, progress)


@contextmanager
def _progress() -> Iterator[Progress]:
    if not sys.stderr.isatty():
        yield ProgressLines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        class Bars:
            """One bar per step."""

            def report(self, label: str, done: int, total: int) -> None:
                """Move the bar of ``label``."""
                if label not in tasks:
                    tasks[label] = bars.add_task(label, total=total)
                bars.update(tasks[label], completed=done, total=total)

        yield Bars()
