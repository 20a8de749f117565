"""Operations on collections and tags between AWS members and commands."""

from __future__ import annotations

from collections.abc import Callable

from custodes.edge.aws.translate.members import collection_id
from custodes.edge.aws.translate.route import Output, Params, gated, nothing
from custodes.edge.aws.wire import Handler
from custodes.gallery.entities import Collection
from custodes.operations.collections.collections import (
    Collections,
    CollectionsListed,
    CreateCollection,
    DeleteCollection,
    DescribeCollection,
    ListCollections,
)
from custodes.operations.collections.tags import ListTagsForResource, Tagging, TagResource, UntagResource
from custodes.operations.requests.arn import key_arn
from custodes.operations.requests.gate import Gate


def handlers(
    gate: Gate, collections: Collections, tagging: Tagging, region: str, *, bare_arn: bool
) -> dict[str, Handler]:
    """Handlers of this family by operation.

    Args:
        gate: what they pass.
        collections: use cases on collections.
        tagging: use cases on tags.
        region: of this server, for ARNs.
        bare_arn: CreateCollection leaves out the prefix ``arn:``, as the service historically does.
    """
    arn = _arn_of(region)
    return {
        "CreateCollection": gated(gate, create_command, collections.create, _create_output(arn, bare=bare_arn)),
        "DescribeCollection": gated(gate, describe_command, collections.describe, _describe_output(arn)),
        "ListCollections": gated(gate, list_command, collections.list, list_output),
        "DeleteCollection": gated(gate, delete_command, collections.delete, lambda _: {"StatusCode": 200}),
        "TagResource": gated(gate, tag_command, tagging.tag, nothing),
        "UntagResource": gated(gate, untag_command, tagging.untag, nothing),
        "ListTagsForResource": gated(gate, list_tags_command, tagging.list, lambda tags: {"Tags": tags}),
    }


def create_command(params: Params) -> CreateCollection:
    """Parameters of CreateCollection."""
    return CreateCollection(collection_id=collection_id(params), tags=dict(params.get("Tags", {})))


def describe_command(params: Params) -> DescribeCollection:
    """Parameters of DescribeCollection."""
    return DescribeCollection(collection_id=collection_id(params))


def delete_command(params: Params) -> DeleteCollection:
    """Parameters of DeleteCollection."""
    return DeleteCollection(collection_id=collection_id(params))


def list_command(params: Params) -> ListCollections:
    """Parameters of ListCollections."""
    return ListCollections(max_results=params.get("MaxResults"), next_token=params.get("NextToken"))


def list_output(result: CollectionsListed) -> Output:
    """Output of ListCollections: two parallel lists."""
    return {
        "CollectionIds": [collection.key.collection_id for collection in result.collections],
        "FaceModelVersions": [collection.model_version for collection in result.collections],
        "NextToken": result.next_token,
    }


def tag_command(params: Params) -> TagResource:
    """Parameters of TagResource."""
    return TagResource(arn=params["ResourceArn"], tags=dict(params["Tags"]))


def untag_command(params: Params) -> UntagResource:
    """Parameters of UntagResource."""
    return UntagResource(arn=params["ResourceArn"], tag_keys=tuple(params["TagKeys"]))


def list_tags_command(params: Params) -> ListTagsForResource:
    """Parameters of ListTagsForResource."""
    return ListTagsForResource(arn=params["ResourceArn"])


def _arn_of(region: str) -> Callable[[Collection], str]:
    return lambda collection: key_arn(region, collection.key)


def _create_output(arn: Callable[[Collection], str], *, bare: bool) -> Callable[[Collection], Output]:
    def render(collection: Collection) -> Output:
        full = arn(collection)
        return {
            "StatusCode": 200,
            "CollectionArn": full.removeprefix("arn:") if bare else full,
            "FaceModelVersion": collection.model_version,
        }

    return render


def _describe_output(arn: Callable[[Collection], str]) -> Callable[[Collection], Output]:
    def render(collection: Collection) -> Output:
        return {
            "FaceCount": collection.face_count,
            "FaceModelVersion": collection.model_version,
            "CollectionARN": arn(collection),
            "CreationTimestamp": collection.created_ts_ms / 1000,
            "UserCount": collection.user_count,
        }

    return render
