"""Operations on projects and their policies between AWS members and commands."""

from __future__ import annotations

from collections.abc import Callable

from custodes.edge.aws.translate.projects.datasets import dataset_metadata
from custodes.edge.aws.translate.route import Output, Params, gated, nothing
from custodes.edge.aws.wire import Handler
from custodes.operations.projects.arns import arn_of
from custodes.operations.projects.commands import (
    CreateProject,
    DeleteProject,
    DeleteProjectPolicy,
    DescribeProjects,
    ListProjectPolicies,
    PutProjectPolicy,
)
from custodes.operations.projects.projects import PoliciesListed, Projects, ProjectsListed
from custodes.operations.requests.gate import Gate
from custodes.projects.entities import ProjectFeature, ProjectKey

_UPDATES = {"ENABLED": True, "DISABLED": False}


def handlers(gate: Gate, projects: Projects, region: str) -> dict[str, Handler]:
    """Handlers of this family by operation."""

    def created(key: ProjectKey) -> Output:
        return {"ProjectArn": arn_of(region, key)}

    return {
        "CreateProject": gated(gate, create_command, projects.create, created),
        "DescribeProjects": gated(gate, describe_command, projects.describe, _describe_output(region)),
        "DeleteProject": gated(gate, _delete_command, projects.delete, lambda status: {"Status": status.value}),
        "PutProjectPolicy": gated(gate, put_policy_command, projects.put_policy, lambda r: {"PolicyRevisionId": r}),
        "ListProjectPolicies": gated(gate, list_policies_command, projects.list_policies, _policies_output(region)),
        "DeleteProjectPolicy": gated(gate, delete_policy_command, projects.delete_policy, nothing),
    }


def create_command(params: Params) -> CreateProject:
    """Parameters of CreateProject."""
    update = params.get("AutoUpdate")
    return CreateProject(
        name=params["ProjectName"],
        feature=ProjectFeature(params.get("Feature", ProjectFeature.CUSTOM_LABELS)),
        auto_update=None if update is None else _UPDATES[update],
        tags=dict(params.get("Tags", {})),
    )


def describe_command(params: Params) -> DescribeProjects:
    """Parameters of DescribeProjects."""
    features = params.get("Features", [ProjectFeature.CUSTOM_LABELS])
    return DescribeProjects(
        names=tuple(params.get("ProjectNames", ())),
        features=tuple(ProjectFeature(feature) for feature in features),
        max_results=params.get("MaxResults"),
        next_token=params.get("NextToken"),
    )


def _delete_command(params: Params) -> DeleteProject:
    return DeleteProject(arn=params["ProjectArn"])


def put_policy_command(params: Params) -> PutProjectPolicy:
    """Parameters of PutProjectPolicy."""
    return PutProjectPolicy(
        arn=params["ProjectArn"],
        name=params["PolicyName"],
        document=params["PolicyDocument"],
        revision=params.get("PolicyRevisionId"),
    )


def list_policies_command(params: Params) -> ListProjectPolicies:
    """Parameters of ListProjectPolicies."""
    return ListProjectPolicies(
        arn=params["ProjectArn"], max_results=params.get("MaxResults"), next_token=params.get("NextToken")
    )


def delete_policy_command(params: Params) -> DeleteProjectPolicy:
    """Parameters of DeleteProjectPolicy."""
    return DeleteProjectPolicy(
        arn=params["ProjectArn"], name=params["PolicyName"], revision=params.get("PolicyRevisionId")
    )


def _describe_output(region: str) -> Callable[[ProjectsListed], Output]:
    def render(result: ProjectsListed) -> Output:
        return {
            "ProjectDescriptions": [
                {
                    "ProjectArn": arn_of(region, project.key),
                    "CreationTimestamp": project.key.created_ts_ms / 1000,
                    "Status": project.status.value,
                    "Datasets": [dataset_metadata(region, dataset) for dataset in datasets],
                    "Feature": project.feature.value,
                    "AutoUpdate": None
                    if project.auto_update is None
                    else next(word for word, value in _UPDATES.items() if value == project.auto_update),
                }
                for project, datasets in result.projects
            ],
            "NextToken": result.next_token,
        }

    return render


def _policies_output(region: str) -> Callable[[PoliciesListed], Output]:
    def render(result: PoliciesListed) -> Output:
        return {
            "ProjectPolicies": [
                {
                    "ProjectArn": arn_of(region, policy.project),
                    "PolicyName": policy.name,
                    "PolicyRevisionId": policy.revision,
                    "PolicyDocument": policy.document,
                    "CreationTimestamp": policy.created_ts_ms / 1000,
                    "LastUpdatedTimestamp": policy.updated_ts_ms / 1000,
                }
                for policy in result.policies
            ],
            "NextToken": result.next_token,
        }

    return render
