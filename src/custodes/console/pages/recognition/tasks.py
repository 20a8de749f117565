"""Questions about whole collections: begun, looked at while they run, stopped, and what they found.

In: visits. Out: views over the operations on tasks. Groups are proposals and stay that: nothing is merged here.
"""

from __future__ import annotations

from typing import Any

from custodes.console.visit import GoTo, View, Visit
from custodes.console.web.rendering import segment
from custodes.core.errors import InvalidParameterError

KINDS = {
    "duplicates": "StartDuplicateSearch",
    "clustering": "StartFaceClustering",
    "cross": "StartCrossMatch",
    "calibration": "StartCalibration",
}
LISTING = ("ListTasks", "ListCollections")
STARTING = tuple(KINDS.values())
ONE = ("GetTask",)
STOPPING = ("StopTask",)
_MOST_COLLECTIONS = 100


def listing(visit: Visit) -> View:
    """Tasks of the account, newest first, and a form for another one."""
    tasks = visit.api("ListTasks")["Tasks"]
    collections = visit.api("ListCollections", MaxResults=_MOST_COLLECTIONS)["CollectionIds"]
    return View("tasks.html", {"tasks": tasks, "collections": collections, "kinds": tuple(KINDS)})


def start(visit: Visit) -> GoTo:
    """Begin one."""
    operation = KINDS.get(visit.form.text("kind"))
    if operation is None:
        raise InvalidParameterError("There is no such kind of task.")
    members: dict[str, Any] = {"CollectionId": visit.form.text("collection")}
    if operation == "StartCrossMatch":
        members["OtherCollectionId"] = visit.form.text("other")
    if operation == "StartCalibration":
        members["LabelBy"] = "USER" if visit.form.text("by") == "USER" else "EXTERNAL_IMAGE_ID"
    return GoTo(f"/console/tasks/{segment(visit.api(operation, **members)['TaskId'])}")


def show(visit: Visit) -> View:
    """How far one is, or a page of what it found."""
    page = visit.query.get("page", "")
    number = int(page) if page.isascii() and page.isdigit() and len(page) < 9 else 0
    told = visit.api("GetTask", TaskId=visit.path["task"], Page=number)
    values = {"task": told["Task"], "summary": told.get("Summary"), "findings": told.get("Findings") or ()}
    return View("task.html", {**values, "left_out": told.get("LeftOut") or (), "next": told.get("NextPage")})


def stop(visit: Visit) -> GoTo:
    """End an open one."""
    visit.api("StopTask", TaskId=visit.path["task"])
    return GoTo(f"/console/tasks/{segment(visit.path['task'])}")
