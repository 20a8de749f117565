"""What is done with projects and their policies. In: commands within the gate. Out: entities; errors of the API."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

from custodes.core.errors import (
    AlreadyExistsError,
    InUseError,
    LimitError,
    NotFoundError,
    PolicyDocumentError,
    PolicyRevisionError,
    QuotaError,
)
from custodes.core.pages import PageTokens
from custodes.governance.iam.document import DocumentKind, parse_document
from custodes.governance.iam.pattern import PolicyError
from custodes.operations.projects.arns import project_key
from custodes.operations.projects.commands import (
    CreateProject,
    DeleteProject,
    DeleteProjectPolicy,
    DescribeProjects,
    ListProjectPolicies,
    PutProjectPolicy,
)
from custodes.operations.projects.records import IN_USE, ProjectRecords
from custodes.operations.requests.gate import Permit
from custodes.projects.entities import Dataset, Project, ProjectKey, ProjectPolicy, ProjectStatus
from custodes.projects.records import ProjectRecordKind, policy_name, record_of

MAX_PROJECTS, MAX_POLICIES = 100, 10
PAGE, POLICY_PAGE = 100, 5
COPY = "CopyProjectVersion"


@dataclass(frozen=True, slots=True)
class ProjectsListed:
    """A page of projects, each with its datasets."""

    projects: Sequence[tuple[Project, Sequence[Dataset]]]
    next_token: str | None


@dataclass(frozen=True, slots=True)
class PoliciesListed:
    """A page of policies of a project."""

    policies: Sequence[ProjectPolicy]
    next_token: str | None


class Projects:
    """Handles operations on projects and their policies."""

    def __init__(self, records: ProjectRecords, pages: PageTokens) -> None:
        """Keep projects in ``records``."""
        self._records = records
        self._pages = pages

    def create(self, permit: Permit, command: CreateProject) -> ProjectKey:
        """Raises InUseError where the name is taken, LimitError where there are too many."""
        account = permit.context.caller.account_id
        if len(self._records.store.listing(account, ProjectRecordKind.PROJECT)) >= MAX_PROJECTS:
            raise LimitError(f"An account can have at most {MAX_PROJECTS} projects.")
        key = ProjectKey(account, command.name, permit.context.ts_ms)
        project = Project(key, command.feature, command.auto_update, tags=dict(command.tags))
        if not self._records.store.add(record_of(project)):
            raise InUseError(IN_USE)
        return key

    def describe(self, permit: Permit, command: DescribeProjects) -> ProjectsListed:
        """Oldest first."""
        account = permit.context.caller.account_id
        found = [cast("Project", r.value) for r in self._records.store.listing(account, ProjectRecordKind.PROJECT)]
        wanted = [
            project
            for project in found
            if project.feature in command.features and (not command.names or project.key.name in command.names)
        ]
        scope = (command.operation, account, ",".join(sorted(command.features)), ",".join(sorted(command.names)))
        start = 0 if command.next_token is None else self._pages.read_row(scope, command.next_token)
        end = start + (command.max_results or PAGE)
        token = self._pages.issue(scope, end) if end < len(wanted) else None
        return ProjectsListed([(p, self._records.datasets(p.key)) for p in wanted[start:end]], token)

    def delete(self, permit: Permit, command: DeleteProject) -> ProjectStatus:
        """Its datasets and policies go with it. Raises InUseError while it has versions."""
        key = project_key(permit.context.caller, command.arn)
        record = self._records.project(key)
        if self._records.versions(key):
            raise InUseError("The project has versions. Delete them first.")
        record = self._records.change(record, replace(cast("Project", record.value), status=ProjectStatus.DELETING))
        for kind in (ProjectRecordKind.DATASET, ProjectRecordKind.POLICY):
            for child in self._records.store.listing(key.account_id, kind, key.name):
                self._records.store.drop(child)
        self._records.store.drop(record)
        return ProjectStatus.DELETING

    def put_policy(self, permit: Permit, command: PutProjectPolicy) -> str:
        """The policy's new revision.

        Raises:
            PolicyDocumentError: the document is not understood, or grants something else than copying.
            AlreadyExistsError: the name is taken, and no revision was named.
            PolicyRevisionError: another revision is there now.
        """
        key = project_key(permit.context.caller, command.arn)
        self._records.project(key)
        try:
            document = parse_document(f"project/{command.name}", command.document, DocumentKind.RESOURCE, (COPY,))
        except PolicyError as error:
            raise PolicyDocumentError(f"The policy document is not understood: {error}") from error
        if not all(statement.covers(f"rekognition:{COPY}") for statement in document.statements):
            raise PolicyDocumentError(f"A project policy is about rekognition:{COPY} only.")
        now, revision = permit.context.ts_ms, secrets.token_hex(16)
        policy = ProjectPolicy(key, command.name, revision, command.document, now, now)
        store = self._records.store
        found = store.find(key.account_id, ProjectRecordKind.POLICY, policy_name(key.name, command.name))
        if found is None:
            if command.revision is not None:
                raise PolicyRevisionError("The policy has no such revision.")
            if len(store.listing(key.account_id, ProjectRecordKind.POLICY, key.name)) >= MAX_POLICIES:
                raise QuotaError(f"A project can have at most {MAX_POLICIES} policies.")
            if store.add(record_of(policy)):
                return revision
            raise AlreadyExistsError("The policy exists already.")
        there = cast("ProjectPolicy", found.value)
        if command.revision is None:
            raise AlreadyExistsError("The policy exists already. Name its revision to change it.")
        if command.revision.lower() != there.revision:
            raise PolicyRevisionError("The policy has another revision.")
        self._records.change(found, replace(policy, created_ts_ms=there.created_ts_ms))
        return revision

    def list_policies(self, permit: Permit, command: ListProjectPolicies) -> PoliciesListed:
        """Oldest first."""
        key = project_key(permit.context.caller, command.arn)
        self._records.project(key)
        found = self.policies(key)
        scope = (command.operation, key.account_id, key.path)
        start = 0 if command.next_token is None else self._pages.read_row(scope, command.next_token)
        end = start + (command.max_results or POLICY_PAGE)
        token = self._pages.issue(scope, end) if end < len(found) else None
        return PoliciesListed(found[start:end], token)

    def delete_policy(self, permit: Permit, command: DeleteProjectPolicy) -> None:
        """Raises NotFoundError, PolicyRevisionError."""
        key = project_key(permit.context.caller, command.arn)
        self._records.project(key)
        name = policy_name(key.name, command.name)
        found = self._records.store.find(key.account_id, ProjectRecordKind.POLICY, name)
        if found is None:
            raise NotFoundError(f"The project has no policy {command.name}")
        if command.revision is not None and command.revision.lower() != cast("ProjectPolicy", found.value).revision:
            raise PolicyRevisionError("The policy has another revision.")
        self._records.store.drop(found)

    def policies(self, key: ProjectKey) -> list[ProjectPolicy]:
        """Policies of a project, oldest first."""
        found = self._records.store.listing(key.account_id, ProjectRecordKind.POLICY, key.name)
        return [cast("ProjectPolicy", record.value) for record in found]
