"""Datasets of a project: made, filled, split, looked through with what is wrong; boxes drawn in the browser.

In: visits. Out: views over operations on datasets. Pictures stay in their bucket and are never shown from here: whoever
has copies drops them on the page, draws over those, and sends lines of a manifest.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from custodes.console.pages.labels.projects import KINDS, find_project, project_path
from custodes.console.visit import GoTo, View, Visit
from custodes.core.errors import InvalidParameterError, NotFoundError

PAGE_SIZE = 50
MAX_LABELS = 100
CREATING = ("DescribeProjects", "CreateDataset")
DISTRIBUTING = ("DescribeProjects", "DistributeDatasetEntries")
DELETING = ("DescribeProjects", "DeleteDataset")
ENTRIES = ("DescribeProjects", "DescribeDataset", "ListDatasetEntries", "ListDatasetLabels")
DRAWING = ("DescribeProjects", "ListDatasetLabels")
ADDING = ("DescribeProjects", "UpdateDatasetEntries")


def create(visit: Visit) -> GoTo:
    """Make one, empty or from a manifest in a bucket."""
    project, form = find_project(visit), visit.form
    source = None
    if form.text("key"):
        place = {"Bucket": form.text("bucket"), "Name": form.text("key")}
        source = {"GroundTruthManifest": {"S3Object": place}}
    kind = KINDS.get(form.text("kind"), "TRAIN")
    visit.api("CreateDataset", ProjectArn=project["ProjectArn"], DatasetType=kind, DatasetSource=source)
    return GoTo(project_path(visit.path["project"]))


def distribute(visit: Visit) -> GoTo:
    """Move a fifth of the training entries to the empty test dataset."""
    arns = [{"Arn": one["DatasetArn"]} for one in find_project(visit).get("Datasets", ())]
    if len(arns) != 2:
        raise InvalidParameterError(visit.words("labels.both_first"))
    visit.api("DistributeDatasetEntries", Datasets=arns)
    return GoTo(project_path(visit.path["project"]))


def delete(visit: Visit) -> GoTo:
    """Erase one; versions that were trained from it say so."""
    visit.api("DeleteDataset", DatasetArn=_arn(visit))
    return GoTo(project_path(visit.path["project"]))


def entries(visit: Visit) -> View:
    """Its lines, all or those with errors."""
    arn, after, wrong = _arn(visit), visit.query.get("after"), bool(visit.query.get("errors"))
    first = after is None
    facts = visit.api("DescribeDataset", DatasetArn=arn)["DatasetDescription"] if first else {}
    labels = visit.api("ListDatasetLabels", DatasetArn=arn, MaxResults=MAX_LABELS) if first else {}
    found = visit.api(
        "ListDatasetEntries", DatasetArn=arn, HasErrors=wrong or None, MaxResults=PAGE_SIZE, NextToken=after
    )
    lines = [_line(text) for text in found["DatasetEntries"]]
    values = {"facts": facts, "labels": labels.get("DatasetLabelDescriptions", ()), "wrong": wrong, "lines": lines}
    return View(
        "labels_dataset.html", {**values, **_place(visit), "after": found.get("NextToken"), "continued": not first}
    )


def draw(visit: Visit) -> View:
    """The page that boxes are drawn on."""
    labels = visit.api("ListDatasetLabels", DatasetArn=_arn(visit), MaxResults=MAX_LABELS)
    names = [one["LabelName"] for one in labels["DatasetLabelDescriptions"]]
    return View("labels_draw.html", {**_place(visit), "names": names})


def add(visit: Visit) -> GoTo:
    """Lines of a manifest, as the page or a person wrote them."""
    lines = visit.form.text("lines").encode()
    if not lines.strip():
        raise InvalidParameterError(visit.words("labels.no_lines"))
    visit.api("UpdateDatasetEntries", DatasetArn=_arn(visit), Changes={"GroundTruth": lines})
    return GoTo(project_path(visit.path["project"], visit.path["kind"]))


def _place(visit: Visit) -> Mapping[str, str]:
    return {"project": visit.path["project"], "kind": visit.path["kind"]}


def _arn(visit: Visit) -> str:
    kind = KINDS.get(visit.path["kind"])
    for one in find_project(visit).get("Datasets", ()):
        if one["DatasetType"] == kind:
            return str(one["DatasetArn"])
    raise NotFoundError("There is no such dataset.")


def _line(text: str) -> Mapping[str, Any]:
    """What is shown of a line: its picture, its labels with their numbers of boxes, what is wrong."""
    try:
        line = json.loads(text)
    except ValueError:
        line = None
    if not isinstance(line, dict):
        return {"source": "", "labels": {}, "errors": [], "text": text}
    labels: dict[str, int] = {}
    for name, told in line.items():
        if isinstance(told, dict) and name.endswith("-metadata"):
            _count(labels, told, line.get(name.removesuffix("-metadata")))
    errors = [one for one in line.get("errors", ()) if isinstance(one, dict)]
    return {"source": str(line.get("source-ref", "")), "labels": labels, "errors": errors, "text": text}


def _count(labels: dict[str, int], told: Mapping[str, Any], value: object) -> None:
    """Add what one attribute of a line says to ``labels``: boxes by name, 0 for a label of the whole picture."""
    names = told.get("class-map")
    if not isinstance(names, dict) or not isinstance(value, dict):
        if isinstance(told.get("class-name"), str):
            labels.setdefault(told["class-name"], 0)
        return
    boxes = value.get("annotations")
    for box in boxes if isinstance(boxes, list) else ():
        name = str(names.get(str(box.get("class_id")), "?")) if isinstance(box, dict) else "?"
        labels[name] = labels.get(name, 0) + 1
