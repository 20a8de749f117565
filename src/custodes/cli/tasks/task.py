"""``custodes task``: questions about whole collections, answered by jobs of the server.

In: collections. Out: what was found, a line each, as JSON, or as a page for a browser. A task goes on when the command
is interrupted; ``show`` finds it again. Groups are proposals: ``link`` makes persons of those that somebody looked at.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from custodes.cli.options import DATA, CollectionOption, DataPlaceOption, EndpointOption, JsonOption
from custodes.cli.output import print_json, show
from custodes.cli.tasks.reembed import reembed
from custodes.cli.tasks.report import looked, report
from custodes.core.errors import CustodesError, InvalidParameterError
from custodes.settings import from_environment

if TYPE_CHECKING:
    from custodes.cli.client.api import ApiClient

app = typer.Typer(help="Ask about whole collections: duplicates, persons, rates.", no_args_is_help=True)

TaskArgument: TypeAlias = Annotated[str, typer.Argument(help="Id of the task.")]
Percent: TypeAlias = Annotated[float, typer.Option(min=0, max=100, help="Similarity that links two faces.")]
ReportOption: TypeAlias = Annotated[
    Path | None, typer.Option("--report", help="Write what was found as a page for a browser.")
]
OnOption: TypeAlias = Annotated[str, typer.Option(help="Who computes: local, or ray where the server has a cluster.")]
_LOOK_S = 0.5
_REGULAR = ("duplicates", "clustering")


@app.command("duplicates")
def duplicates_command(
    collection: CollectionOption,
    threshold: Percent = 99.9,
    report: ReportOption = None,
    data: DataPlaceOption = DATA,
    endpoint: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find pairs of faces of a collection that show one person."""
    asked = {"CollectionId": collection, "Threshold": threshold}
    _run("StartDuplicateSearch", asked, _Output(data, endpoint, report, as_json))


@app.command("cluster")
def cluster_command(
    collection: CollectionOption,
    threshold: Percent = 99.9,
    apart: Annotated[
        float, typer.Option(min=0, max=100, help="No two faces of a proposed person are less alike.")
    ] = 80.0,
    report: ReportOption = None,
    data: DataPlaceOption = DATA,
    endpoint: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Propose which faces of a collection are one person, with the weakest link of each. Nothing is changed."""
    asked = {"CollectionId": collection, "Threshold": threshold, "ApartThreshold": apart}
    _run("StartFaceClustering", asked, _Output(data, endpoint, report, as_json))


@app.command("cross-match")
def cross_match_command(
    collection: CollectionOption,
    other: Annotated[str, typer.Option(help="The other collection.")],
    threshold: Percent = 99.9,
    on: OnOption = "local",
    report: ReportOption = None,
    data: DataPlaceOption = DATA,
    endpoint: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find faces of one collection that are in another. Both have to be allowed."""
    asked = {"CollectionId": collection, "OtherCollectionId": other, "Threshold": threshold}
    asked["On"] = _word(on, "on", ("local", "ray"))
    _run("StartCrossMatch", asked, _Output(data, endpoint, report, as_json))


@app.command("enrol")
def enrol_command(
    photos: Annotated[
        str, typer.Argument(help="s3://bucket/prefix, a bucket or folder that the server is set up with.")
    ],
    collection: CollectionOption,
    names: Annotated[str, typer.Option(help="What names faces: folder, file or none.")] = "folder",
    max_faces: Annotated[int, typer.Option(min=1, max=100, help="Faces per photo.")] = 1,
    on: OnOption = "local",
    data: DataPlaceOption = DATA,
    endpoint: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Enrol all photos of a bucket below a prefix, by the server itself, which goes on without this command."""
    from custodes.cli.faces.photo_source import named_bucket

    bucket, prefix = named_bucket(photos)
    asked = {
        "CollectionId": collection,
        "Bucket": bucket,
        "Prefix": prefix,
        "NameBy": _word(names, "names", ("folder", "file", "none")),
        "MaxFaces": max_faces,
        "On": _word(on, "on", ("local", "ray")),
    }
    _run("StartBulkEnrolment", asked, _Output(data, endpoint, None, as_json))


@app.command("calibrate")
def calibrate_command(
    collection: CollectionOption,
    label_by: Annotated[str, typer.Option(help="What says whose a face is: user or external-image-id.")] = "user",
    report: ReportOption = None,
    data: DataPlaceOption = DATA,
    endpoint: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure what similarities stand for among the people of a labelled collection."""
    labels = {"user": "USER", "external-image-id": "EXTERNAL_IMAGE_ID"}
    if label_by not in labels:
        raise InvalidParameterError("--label-by is user or external-image-id")
    asked = {"CollectionId": collection, "LabelBy": labels[label_by]}
    _run("StartCalibration", asked, _Output(data, endpoint, report, as_json))


app.command("re-embed")(reembed)


@app.command("list")
def list_command(data: DataPlaceOption = DATA, endpoint: EndpointOption = None, as_json: JsonOption = False) -> None:
    """Show tasks, newest first."""
    from custodes.cli.client.connection import open_api

    with open_api(from_environment(data=data), endpoint) as api:
        tasks = api.call("ListTasks")["Tasks"]
    lines = [f"{one['TaskId']}  {one['Kind']}  {_state(one)}" for one in tasks]
    show(list(tasks), "\n".join(lines), as_json=as_json, none="no tasks")


@app.command("show")
def show_command(
    task: TaskArgument,
    report: ReportOption = None,
    data: DataPlaceOption = DATA,
    endpoint: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a task found, or how far it is."""
    from custodes.cli.client.connection import open_api

    with open_api(from_environment(data=data), endpoint) as api:
        _finish(api, task, _Output(data, endpoint, report, as_json))


@app.command("stop")
def stop_command(
    task: TaskArgument, data: DataPlaceOption = DATA, endpoint: EndpointOption = None, as_json: JsonOption = False
) -> None:
    """End an open task."""
    from custodes.cli.client.connection import open_api

    with open_api(from_environment(data=data), endpoint) as api:
        api.call("StopTask", TaskId=task)
    show({"task": task}, f"{task} is over", as_json=as_json)


@app.command("regularly")
def regularly_command(
    kind: Annotated[str, typer.Argument(help="duplicates or clustering.")],
    collection: CollectionOption,
    days: Annotated[int, typer.Option(min=0, max=7, help="Begin one so many days after the last; 0 for no more.")],
    data: DataPlaceOption = DATA,
    endpoint: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Have the server begin a task on a collection every few days, for the account itself."""
    from custodes.cli.client.connection import open_api

    if kind not in _REGULAR:
        raise InvalidParameterError("regular tasks are duplicates or clustering")
    tag = f"custodes:{kind}-days"
    with open_api(from_environment(data=data), endpoint) as api:
        arn = str(api.call("DescribeCollection", CollectionId=collection)["CollectionARN"])
        if days:
            api.call("TagResource", ResourceArn=arn, Tags={tag: str(days)})
        else:
            api.call("UntagResource", ResourceArn=arn, TagKeys=[tag])
    text = f"{kind} of {collection}: " + (f"every {days} days" if days else "no more")
    show({"collection_id": collection, "kind": kind, "days": days}, text, as_json=as_json)


@app.command("link")
def link_command(
    task: TaskArgument,
    numbers: Annotated[list[int], typer.Argument(help="Numbers of the groups that were looked at, as shown.")],
    prefix: Annotated[str, typer.Option(help="Persons are called so, with the number of their group.")] = "person",
    data: DataPlaceOption = DATA,
    endpoint: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make persons of proposed groups, of those named alone. Faces that belong to somebody already stay there."""
    from custodes.cli.client.connection import open_api

    made = []
    with open_api(from_environment(data=data), endpoint) as api:
        groups = list(_findings(api, task))
        for number in numbers:
            if not 1 <= number <= len(groups):
                raise InvalidParameterError(f"there is no group {number}")
            made.append(_linked(api, groups[number - 1], f"{prefix}-{number}"))
    lines = [f"{one['person']}: {one['faces']} faces" for one in made]
    show(made, "\n".join(lines), as_json=as_json)


class _Output:
    """Where answers go."""

    def __init__(self, data: Path, endpoint: str | None, report: Path | None, as_json: bool) -> None:
        self.data = data
        self.endpoint = endpoint
        self.report = report
        self.as_json = as_json


def _run(operation: str, members: Mapping[str, Any], output: _Output) -> None:
    from custodes.cli.client.connection import open_api

    with open_api(from_environment(data=output.data), output.endpoint) as api:
        task = str(api.call(operation, **members)["TaskId"])
        typer.echo(f"task {task}", err=True)
        _wait(api, task)
        _finish(api, task, output)


def _wait(api: ApiClient, task: str) -> None:
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        shown = bar.add_task("working", total=100)
        while (now := api.call("GetTask", TaskId=task)["Task"])["Status"] in ("QUEUED", "RUNNING"):
            bar.update(shown, completed=now.get("Percent") or 0)
            time.sleep(_LOOK_S)


def _finish(api: ApiClient, task: str, output: _Output) -> None:
    told = api.call("GetTask", TaskId=task)
    state = told["Task"]
    if state["Status"] == "FAILED":
        raise CustodesError(str(state.get("Message")))
    if "Summary" not in told or told["Summary"] is None:
        show(state, _state(state), as_json=output.as_json)
        return
    if state["Kind"] == "BulkEnrolment":
        _show_enrolment(task, told["Summary"], list(_pages(api, task, "LeftOut")), output)
        return
    findings = list(_findings(api, task))
    if output.report is not None:
        output.report.write_text(report(state["Kind"], told["Summary"], findings), "utf-8")
    if output.as_json:
        print_json({"task": task, "summary": told["Summary"], "findings": findings})
        return
    typer.echo("\n".join(lines(told["Summary"], findings)))


def lines(summary: Mapping[str, Any], findings: Sequence[Mapping[str, Any]]) -> list[str]:
    """What was found, for people: a line of what was looked at, then one each."""
    told = [looked(summary)]
    if summary.get("ExpectedFalsePairs") is not None:
        told.append(
            f"at {summary['Threshold']:.6g} % about {summary['FalseMatchRate']:.1e} of strangers are linked: "
            f"up to {summary['ExpectedFalsePairs']:.1f} here"
        )
    for one in summary.get("Rates") or ():
        bound = "at most " if one["Bounded"] else ""
        told.append(
            f"{one['Similarity']:6.2f} %  reached by {bound}{one['FalseMatchRate']:.1e} of strangers, "
            f"{100 * one['TrueMatchRate']:.1f} % of pairs of one person"
        )
    for number, one in enumerate(findings, start=1):
        names = ", ".join(_name(face) for face in one["Faces"])
        weakest = " at the weakest link" if one.get("Weakest") else ""
        told.append(f"{number}  {one['Similarity']:.2f} %{weakest}  {names}")
    return told


def _name(face: Mapping[str, Any]) -> str:
    name = face.get("ExternalImageId")
    return f"{face['FaceId']} ({name})" if name else str(face["FaceId"])


def _show_enrolment(
    task: str, summary: Mapping[str, Any], left_out: Sequence[Mapping[str, Any]], output: _Output
) -> None:
    if output.as_json:
        print_json({"task": task, "summary": summary, "left_out": left_out})
        return
    typer.echo(f"{summary.get('Pictures') or 0} photos; {summary['Faces']} faces in the collection.")
    if left_out:
        typer.echo(f"{len(left_out)} photos left out:")
        typer.echo("\n".join(f"  {one['Key']}: {one['Reason']}" for one in left_out))


def _findings(api: ApiClient, task: str) -> Iterator[Mapping[str, Any]]:
    return _pages(api, task, "Findings")


def _pages(api: ApiClient, task: str, member: str) -> Iterator[Mapping[str, Any]]:
    page: int | None = 0
    while page is not None:
        told = api.call("GetTask", TaskId=task, Page=page)
        yield from told.get(member) or ()
        page = told.get("NextPage")


def _word(given: str, option: str, words: Sequence[str]) -> str:
    if given not in words:
        raise InvalidParameterError(f"--{option} is {', '.join(words[:-1])} or {words[-1]}")
    return given.upper()


def _linked(api: ApiClient, group: Mapping[str, Any], person: str) -> dict[str, Any]:
    free = [face for face in group["Faces"] if not face.get("UserId")]
    collections = {face["CollectionId"] for face in free}
    if len(collections) != 1:
        raise InvalidParameterError("a person is made of faces of one collection that belong to nobody yet")
    collection = collections.pop()
    api.call("CreateUser", CollectionId=collection, UserId=person)
    ids = [face["FaceId"] for face in free][:100]
    # Who looked at the group decided; its weakest link may be below the threshold of the API.
    answer = api.call("AssociateFaces", CollectionId=collection, UserId=person, FaceIds=ids, UserMatchThreshold=0)
    return {"person": person, "collection": collection, "faces": len(answer["AssociatedFaces"])}


def _state(one: Mapping[str, Any]) -> str:
    percent = one.get("Percent")
    done = "" if percent is None else f" {percent:.0f} %"
    return f"{one['Status'].lower()}{done}" + (f": {one['Message']}" if one.get("Message") else "")
