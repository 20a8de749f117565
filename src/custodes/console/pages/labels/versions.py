"""Versions of a project: trained, started, stopped, deleted, and tried on one picture side by side.

In: visits. Out: views over operations on versions, and over DetectCustomLabels for each version that is tried.
"""

from __future__ import annotations

from custodes.console.pages.labels.projects import find_project, project_path, version_name, versions_of
from custodes.console.pages.recognition import findings
from custodes.console.visit import GoTo, View, Visit
from custodes.core.errors import InvalidParameterError, NotFoundError

MAX_TRIED = 4
TRAINING = ("DescribeProjects", "CreateProjectVersion")
_MOVES = {"start": "StartProjectVersion", "stop": "StopProjectVersion", "delete": "DeleteProjectVersion"}
MOVING = ("DescribeProjects", "DescribeProjectVersions", *_MOVES.values())
TRYING = ("DescribeProjects", "DescribeProjectVersions")
TRIED = (*TRYING, "DetectCustomLabels")


def train(visit: Visit) -> GoTo:
    """Train one from the datasets of the project."""
    form = visit.form
    output = {"S3Bucket": form.text("bucket"), "S3KeyPrefix": form.text("prefix")}
    arn, name = find_project(visit)["ProjectArn"], form.text("name")
    visit.api("CreateProjectVersion", ProjectArn=arn, VersionName=name, OutputConfig=output)
    return GoTo(project_path(visit.path["project"]))


def move(visit: Visit) -> GoTo:
    """Start, stop or delete one."""
    operation = _MOVES.get(visit.form.text("move"))
    if operation is None:
        raise InvalidParameterError("A version is started, stopped or deleted.")
    arn = next((arn for name, arn, _ in _versions(visit) if name == visit.path["version"]), None)
    if arn is None:
        raise NotFoundError("There is no such version.")
    units = 1 if operation == "StartProjectVersion" else None
    visit.api(operation, ProjectVersionArn=arn, MinInferenceUnits=units)
    return GoTo(project_path(visit.path["project"]))


def try_page(visit: Visit) -> View:
    """The form: a picture, and which of the running versions look at it."""
    running = [name for name, _, status in _versions(visit) if status == "RUNNING"]
    return View("labels_try.html", {"project": visit.path["project"], "running": running, "shown": None})


def tried(visit: Visit) -> View:
    """What each of the chosen versions says of the picture."""
    photo, chosen = visit.form.files.get("picture"), visit.form.all("version")[:MAX_TRIED]
    if photo is None or not chosen:
        raise InvalidParameterError(visit.words("labels.choose_both"))
    arns = {name: arn for name, arn, status in _versions(visit) if status == "RUNNING"}
    shown = []
    for name in chosen:
        if name not in arns:
            raise NotFoundError("There is no such version.")
        answer = visit.api("DetectCustomLabels", ProjectVersionArn=arns[name], Image={"Bytes": photo}, MinConfidence=0)
        shown.append((name, findings.custom(answer)))
    return View("labels_try.html", {"project": visit.path["project"], "running": list(arns), "shown": shown})


def _versions(visit: Visit) -> list[tuple[str, str, str]]:
    """Name, ARN and status of each."""
    return [
        (version_name(one), str(one["ProjectVersionArn"]), str(one["Status"]))
        for one in versions_of(visit, find_project(visit))
    ]
