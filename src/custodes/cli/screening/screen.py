"""``custodes screen``: one organisation with everybody behind it, against the lists of a data directory."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated

import typer

from custodes.cli.exit_status import ExitStatus
from custodes.cli.input_files import json_of
from custodes.cli.options import DATA, DataOption, JsonOption
from custodes.cli.output import end, print_json, refuse_inputs
from custodes.core.errors import InvalidParameterError
from custodes.settings import from_environment

if TYPE_CHECKING:
    from custodes.screening.rule import ScreeningOutcome

_STATUS = MappingProxyType({"clear": ExitStatus.DONE, "review": ExitStatus.REVIEW, "blocked": ExitStatus.BLOCKED})


def screen(
    organisation: Annotated[
        Path, typer.Option("--organisation", help="JSON file, see docs/screening.md.", exists=True)
    ],
    data: DataOption = DATA,
    picture: Annotated[Path | None, typer.Option("--picture", help="Draw who stands behind it: an SVG file.")] = None,
    day: Annotated[str, typer.Option("--day", help="Ownership as of YYYY-MM-DD. [default: edges without an end]")] = "",
    as_json: JsonOption = False,
) -> None:
    """Screen an organisation: clear, review or blocked, with hits and ownership paths."""
    from custodes.screening.organisation import read_organisation
    from custodes.screening.screen import screen as screen_organisation
    from custodes.storage.sql.screening.lists import ScreeningLists

    refuse_inputs(picture, [organisation])
    graph = read_organisation(json_of(organisation))
    with closing(ScreeningLists(data, from_environment(data=data).database)) as lists:
        if not lists.editions():
            raise InvalidParameterError("no list was imported yet: nothing can be called clear")
        outcome = screen_organisation(graph, lists, day)
    if picture is not None:
        from custodes.screening.answers.svg import draw

        picture.write_text(draw(graph, outcome), encoding="utf-8")
    _print(outcome, as_json=as_json)
    end(_STATUS[outcome.verdict])


def _print(outcome: ScreeningOutcome, *, as_json: bool) -> None:
    if as_json:
        print_json(outcome.to_json())
        return
    typer.echo(outcome.verdict)
    for hit in outcome.hits:
        typer.echo(f"hit\t{hit.party}\t{hit.entry.source} {hit.entry.uid}\t{hit.entry.names[0].text}\t{hit.score:.2f}")
    for gap in outcome.gaps:
        typer.echo(f"gap\t{gap.party}\t{gap.reason}")
    for path in outcome.paths:
        chain = " -> ".join([*(edge.owner for edge in path.steps), path.party])
        typer.echo(f"path\t{path.regime}\t{'certain' if path.certain else 'possible'}\t{chain}\t{path.rule}")
