"""``custodes index``: the photos of a folder into a collection, resumable, with a report of what was left out."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from custodes.cli.options import (
    DATA,
    AgainOption,
    CollectionOption,
    DataPlaceOption,
    DeviceOption,
    EndpointOption,
    JsonOption,
)
from custodes.settings import from_environment

if TYPE_CHECKING:
    from custodes.cli.faces.enrolment import EnrolmentReport
    from custodes.cli.faces.journal import JournalLine

_SHOWN = 10


def index(
    folder: Annotated[Path, typer.Argument(help="Folder with photos; subfolders are included.")],
    collection: CollectionOption,
    names: Annotated[
        str, typer.Option(help="Where names come from: folder, file, or a CSV file with the columns path and name.")
    ] = "folder",
    max_faces: Annotated[
        int | None,
        typer.Option(min=1, max=100, help="Faces per photo. [default: 1; all 100 with --names file]"),
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write a CSV of all photos that were not indexed.")] = None,
    jobs: Annotated[int, typer.Option(min=1, max=32, help="Photos worked on at the same time.")] = 4,
    again: AgainOption = False,
    data: DataPlaceOption = DATA,
    endpoint: EndpointOption = None,
    device: DeviceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Index the photos of a folder. Run it again to go on where it stopped."""
    settings = from_environment(data=data, device=device)
    from custodes.cli.client.connection import open_api
    from custodes.cli.faces.enrolment import EnrolmentPlan, enrol, prepare
    from custodes.cli.faces.names import open_names
    from custodes.cli.output import refuse_inputs
    from custodes.cli.pictures.photo import find

    root = folder.resolve()
    photos = find(root)
    labels = open_names(root, names)
    refuse_inputs(report, [*photos, Path(names)])
    limit = max_faces or (1 if labels.of_persons else 100)
    with open_api(settings, endpoint, creates=True) as api, prepare(api, settings.data, collection) as journal:
        result = enrol(api, journal, photos, labels, EnrolmentPlan(collection, limit, jobs, again))
    left_out = [entry for entry in result.entries if not entry.faces]
    if report is not None:
        _write_report(report, left_out)
    if as_json:
        typer.echo(json.dumps(_facts(collection, result, left_out)))
    else:
        _print(api.place, collection, result, left_out, report)


def _facts(collection: str, result: EnrolmentReport, left_out: Sequence[JournalLine]) -> dict[str, object]:
    return {
        "collection": collection,
        "photos": len(result.entries),
        "done_before": result.done_before,
        "faces": sum(len(entry.faces) for entry in result.entries),
        "erased_since": [str(path) for path in result.erased],
        "left_out": [{"path": entry.path, "reason": entry.reason} for entry in left_out],
    }


def _print(
    place: str, collection: str, result: EnrolmentReport, left_out: Sequence[JournalLine], report: Path | None
) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    faces = sum(len(entry.faces) for entry in result.entries)
    before = f", {result.done_before} of them done before" if result.done_before else ""
    console.print(f"{len(result.entries)} photos{before}; {faces} faces in collection {collection} at {place}.")
    if result.erased:
        console.print(
            f"{len(result.erased)} photos done before have no face there any more: deleted since; --again indexes anew."
        )
    if not left_out:
        return
    table = Table("photos", "not indexed because", title=f"{len(left_out)} photos left out", title_justify="left")
    for reason, count in Counter(entry.reason for entry in left_out).most_common():
        table.add_row(str(count), reason)
    console.print(table)
    for entry in left_out[:_SHOWN]:
        console.print(f"  {entry.path}: {entry.reason}", highlight=False, markup=False)
    if len(left_out) > _SHOWN and report is None:
        console.print(f"  ... and {len(left_out) - _SHOWN} more; --report FILE lists all")


def _write_report(path: Path, left_out: Sequence[JournalLine]) -> None:
    import csv

    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "name", "reason"])
        writer.writerows([entry.path, entry.name or "", entry.reason] for entry in left_out)
