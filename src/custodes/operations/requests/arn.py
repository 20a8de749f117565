"""Amazon resource names of what this server has: built for callers, parsed from them.

In and out: text like ``arn:aws:rekognition:<region>:<account>:collection/<id>``. ARNs of resource
types that are not there are well-formed but name nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from custodes.core.errors import InvalidParameterError, NotFoundError
from custodes.core.ids import AccountId, CollectionId
from custodes.gallery.entities import CollectionKey
from custodes.operations.requests.context import Caller

# The optional ``arn:`` accepts the odd form that CreateCollection historically returns.
_ARN = re.compile(
    r"(?:arn:)?(?P<partition>aws(?:-[a-z]+)*):rekognition:(?P<region>[a-z0-9-]+):(?P<account>[0-9]{12}):"
    r"(?P<kind>[a-z]+)/(?P<name>[A-Za-z0-9_.\-/]+)"
)
_COLLECTION_ID = re.compile(r"[a-zA-Z0-9_.\-]{1,255}")


def partition(region: str) -> str:
    """The AWS partition a region belongs to."""
    if region.startswith("us-gov-"):
        return "aws-us-gov"
    return "aws-cn" if region.startswith("cn-") else "aws"


def collection_arn(caller: Caller, collection_id: CollectionId) -> str:
    """ARN of a collection of the caller's account and region."""
    return key_arn(caller.region, CollectionKey(caller.account_id, collection_id))


def key_arn(region: str, key: CollectionKey) -> str:
    """ARN of a collection in ``region``."""
    return f"arn:{partition(region)}:rekognition:{region}:{key.account_id}:collection/{key.collection_id}"


def processor_arn(region: str, account_id: AccountId, name: str) -> str:
    """ARN of a stream processor."""
    return f"arn:{partition(region)}:rekognition:{region}:{account_id}:streamprocessor/{name}"


def handler_arn(region: str, account_id: AccountId, name: str) -> str:
    """ARN of a handler."""
    return f"arn:{partition(region)}:rekognition:{region}:{account_id}:handler/{name}"


@dataclass(frozen=True, slots=True)
class ProcessorName:
    """A stream processor that an ARN names."""

    account_id: AccountId
    name: str


def parse_arn(caller: Caller, arn: str) -> CollectionKey | ProcessorName:
    """The collection or stream processor that ``arn`` names.

    Raises:
        InvalidParameterError: not an ARN of this service.
        NotFoundError: of another account or region, or of a kind of resource that is not there. Whether another account
            has such a resource is not told.
    """
    parts = _ARN.fullmatch(arn)
    if parts is None:
        raise InvalidParameterError("Request has invalid parameters: the resource ARN is malformed.")
    own = (partition(caller.region), caller.region, str(caller.account_id))
    if (parts["partition"], parts["region"], parts["account"]) == own:
        if parts["kind"] == "collection" and _COLLECTION_ID.fullmatch(parts["name"]):
            return CollectionKey(caller.account_id, CollectionId(parts["name"]))
        if parts["kind"] == "streamprocessor":
            return ProcessorName(caller.account_id, parts["name"])
    raise NotFoundError(f"The resource {arn} does not exist")
