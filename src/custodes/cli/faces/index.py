"""``custodes index``: photos of a folder or a bucket into a collection, resumable, with a report of what was left."""

from __future__ import annotations

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
    from custodes.cli.exit_status import ExitStatus
    from custodes.cli.faces.enrolment import EnrolmentReport
    from custodes.cli.faces.journal import JournalLine

_SHOWN = 10


def index(
    photos: Annotated[
        str,
        typer.Argument(help="Folder with photos, or s3://bucket/prefix that the server reads; with all below."),
    ],
    collection: CollectionOption,
    names: Annotated[
        str,
        typer.Option(
            help="Where names come from: folder, file, or a CSV file with the columns path and name. "
            "[default: folder, or file where no photo is in a folder of its own]",
            show_default=False,
        ),
    ] = "auto",
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
    from custodes.cli.faces.names import AUTO, FILE, open_names
    from custodes.cli.faces.photo_source import S3, PhotoFile, find_photos
    from custodes.cli.output import end, print_json, refuse_inputs, say

    found = find_photos(photos, settings)
    root = None if photos.startswith(S3) else Path(photos).resolve()
    labels = open_names(names, found, root)
    refuse_inputs(report, [*(one.path for one in found if isinstance(one, PhotoFile)), Path(names)])
    limit = max_faces or (100 if names == FILE else 1)
    with open_api(settings, endpoint, creates=True) as api, prepare(api, settings.data, collection) as journal:
        if names == AUTO and labels.choice == FILE:
            say("no photo is in a folder of its own: each face is named after its photo's file; --names says otherwise")
        result = enrol(api, journal, found, labels, EnrolmentPlan(collection, limit, jobs, again))
    left_out = [entry for entry in result.entries if not entry.faces]
    if report is not None:
        _write_report(report, left_out)
    if as_json:
        print_json(_facts(collection, result, left_out))
    else:
        _print(api.place, collection, result, left_out, report)
    end(_status(result))


def _status(result: EnrolmentReport) -> ExitStatus:
    """A photo without a good face was worked on; one that cannot be read was not."""
    from custodes.cli.exit_status import ExitStatus

    failed = sum(entry.failed for entry in result.entries)
    if not failed:
        return ExitStatus.DONE
    return ExitStatus.FAILED if failed == len(result.entries) else ExitStatus.SOME_FAILED


def _facts(collection: str, result: EnrolmentReport, left_out: Sequence[JournalLine]) -> dict[str, object]:
    return {
        "collection_id": collection,
        "photos": len(result.entries),
        "done_before": result.done_before,
        "faces": sum(len(entry.faces) for entry in result.entries),
        "erased_since": list(result.erased),
        "left_out": [{"path": entry.path, "reason": entry.reason, "failed": entry.failed} for entry in left_out],
    }


def _print(
    place: str, collection: str, result: EnrolmentReport, left_out: Sequence[JournalLine], report: Path | None
) -> None:
    faces = sum(len(entry.faces) for entry in result.entries)
    before = f", {result.done_before} of them done before" if result.done_before else ""
    typer.echo(f"{len(result.entries)} photos{before}; {faces} faces in collection {collection} at {place}.")
    if result.erased:
        typer.echo(
            f"{len(result.erased)} photos done before have no face there any more: deleted since; --again indexes anew."
        )
    if not left_out:
        return
    typer.echo(f"{len(left_out)} photos left out:")
    for reason, count in Counter(entry.reason for entry in left_out).most_common():
        typer.echo(f"{count:>6}  {reason}")
    for entry in left_out[:_SHOWN]:
        typer.echo(f"  {entry.path}: {entry.reason}")
    if len(left_out) > _SHOWN and report is None:
        typer.echo(f"  ... and {len(left_out) - _SHOWN} more; --report FILE lists all")


def _write_report(path: Path, left_out: Sequence[JournalLine]) -> None:
    import csv

    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "name", "reason"])
        writer.writerows([entry.path, entry.name or "", entry.reason] for entry in left_out)
