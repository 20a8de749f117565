"""ARNs of projects, datasets and versions. In: keys and callers, or text of a client. Out: text, or keys."""

from __future__ import annotations

import re

from custodes.core.errors import InvalidParameterError, NotFoundError
from custodes.core.ids import AccountId
from custodes.operations.requests.arn import partition
from custodes.operations.requests.context import Caller
from custodes.projects.entities import DatasetKey, DatasetType, ProjectKey, VersionKey

Key = ProjectKey | DatasetKey | VersionKey
_NAME = r"[a-zA-Z0-9_.\-]{1,255}"
_PATH = (
    rf"(?P<project>{_NAME})(?:/dataset/(?P<kind>train|test)|/version/(?P<version>{_NAME}))?/(?P<created>[0-9]{{1,16}})"
)
_ARN = re.compile(
    r"arn:(?P<partition>[a-z\d-]+):rekognition:(?P<region>[a-z\d-]+):(?P<account>\d{12}):project/"
    rf"(?P<path>{_PATH})"
)


def arn_of(region: str, key: Key) -> str:
    """ARN of what ``key`` names, in ``region``."""
    return f"arn:{partition(region)}:rekognition:{region}:{key.account_id}:project/{key.path}"


def parse_key(caller: Caller, arn: str, *, foreign: bool = False) -> Key:
    """What ``arn`` names.

    Args:
        caller: whose account and region it must be of.
        arn: as given.
        foreign: it may be of another account.

    Raises:
        InvalidParameterError: not an ARN of a project, dataset or version.
        NotFoundError: of another account or region; whether it exists there is not told.
    """
    found = _ARN.fullmatch(arn)
    if found is None:
        raise InvalidParameterError("Request has invalid parameters: the resource ARN is malformed.")
    place = (found["partition"], found["region"])
    if place != (partition(caller.region), caller.region) or not (foreign or found["account"] == caller.account_id):
        raise not_found(arn)
    return key_of_path(AccountId(found["account"]), found["path"])


def key_of_arn(arn: str) -> Key | None:
    """What ``arn`` names, whosever it is; None for anything else."""
    found = _ARN.fullmatch(arn)
    return None if found is None else key_of_path(AccountId(found["account"]), found["path"])


def key_of_path(account: AccountId, path: str) -> Key:
    """The key whose ``path`` that is. Raises ValueError for anything else."""
    found = re.fullmatch(_PATH, path)
    if found is None:
        raise ValueError("not the path of a project, dataset or version")
    project, created = found["project"], int(found["created"])
    if found["kind"] is not None:
        return DatasetKey(account, project, DatasetType(found["kind"].upper()), created)
    if found["version"] is not None:
        return VersionKey(account, project, found["version"], created)
    return ProjectKey(account, project, created)


def project_key(caller: Caller, arn: str, *, foreign: bool = False) -> ProjectKey:
    """The project that ``arn`` names. Raises as ``parse_key``, also for an ARN of something else."""
    key = parse_key(caller, arn, foreign=foreign)
    if not isinstance(key, ProjectKey):
        raise InvalidParameterError("Request has invalid parameters: this is not the ARN of a project.")
    return key


def dataset_key(caller: Caller, arn: str) -> DatasetKey:
    """The same for a dataset."""
    key = parse_key(caller, arn)
    if not isinstance(key, DatasetKey):
        raise InvalidParameterError("Request has invalid parameters: this is not the ARN of a dataset.")
    return key


def version_key(caller: Caller, arn: str, *, foreign: bool = False) -> VersionKey:
    """The same for a version."""
    key = parse_key(caller, arn, foreign=foreign)
    if not isinstance(key, VersionKey):
        raise InvalidParameterError("Request has invalid parameters: this is not the ARN of a project version.")
    return key


def not_found(arn: str) -> NotFoundError:
    """The refusal of an ARN that names nothing."""
    return NotFoundError(f"The resource {arn} does not exist")
