"""Projects of Custom Labels: all of them, one with its datasets and versions side by side.

In: visits. Out: views over CreateProject, DescribeProjects, DeleteProject and what else a project's page shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from custodes.console.ports import Members
from custodes.console.visit import GoTo, View, Visit
from custodes.console.web.rendering import segment
from custodes.core.errors import NotFoundError

PAGE_SIZE = 50
MAX_VERSIONS = 100
KINDS = {"train": "TRAIN", "test": "TEST"}
LISTING = ("DescribeProjects",)
SHOWING = ("DescribeProjects", "DescribeDataset", "DescribeProjectVersions")
DELETING = ("DescribeProjects", "DeleteProject")


def listing(visit: Visit) -> View:
    """All projects of the account."""
    found = visit.api("DescribeProjects", MaxResults=PAGE_SIZE, NextToken=visit.query.get("after"))
    projects = [{**one, "name": project_name(one)} for one in found["ProjectDescriptions"]]
    values = {"projects": projects, "after": found.get("NextToken"), "continued": "after" in visit.query}
    return View("labels.html", values)


def create(visit: Visit) -> GoTo:
    """Make one."""
    name = visit.form.text("name")
    visit.api("CreateProject", ProjectName=name, Feature="CUSTOM_LABELS")
    return GoTo(project_path(name))


def show(visit: Visit) -> View:
    """One: what it learns from, and what it learned."""
    project = find_project(visit)
    datasets = {
        one["DatasetType"]: {
            **one,
            **visit.api("DescribeDataset", DatasetArn=one["DatasetArn"])["DatasetDescription"],
        }
        for one in project.get("Datasets", ())
    }
    versions = [{**one, "name": version_name(one)} for one in versions_of(visit, project)]
    values = {"project": visit.path["project"], "facts": project, "datasets": datasets, "versions": versions}
    return View("labels_project.html", {**values, "kinds": KINDS})


def delete(visit: Visit) -> GoTo:
    """Delete one without versions."""
    visit.api("DeleteProject", ProjectArn=find_project(visit)["ProjectArn"])
    return GoTo("/console/labels")


def find_project(visit: Visit) -> Members:
    """The project that the path names. Raises NotFoundError."""
    found = visit.api("DescribeProjects", ProjectNames=[visit.path["project"]])["ProjectDescriptions"]
    if not found:
        raise NotFoundError("There is no such project.")
    project: Members = found[0]
    return project


def versions_of(visit: Visit, project: Members) -> list[Mapping[str, Any]]:
    """Its versions, newest first."""
    answer = visit.api("DescribeProjectVersions", ProjectArn=project["ProjectArn"], MaxResults=MAX_VERSIONS)
    return list(answer["ProjectVersionDescriptions"])


def project_name(project: Members) -> str:
    """From its ARN."""
    return str(project["ProjectArn"]).split("/")[1]


def version_name(version: Members) -> str:
    """From its ARN."""
    return str(version["ProjectVersionArn"]).split("/")[3]


def project_path(name: str, *more: str) -> str:
    """A page about a project."""
    return "/".join(["/console/labels", segment(name), *(segment(part) for part in more)])
