"""Operations on users between AWS members and commands."""

from __future__ import annotations

from custodes.core.ids import UserId
from custodes.edge.aws.translate.members import collection_id, face_ids, refusal
from custodes.edge.aws.translate.route import Output, Params, gated, nothing
from custodes.edge.aws.wire import Handler
from custodes.operations.collections.user_changes import UserChanged
from custodes.operations.collections.users import (
    DEFAULT_ASSOCIATION_THRESHOLD_PCT,
    AssociateFaces,
    CreateUser,
    DeleteUser,
    DisassociateFaces,
    ListUsers,
    Users,
    UsersListed,
)
from custodes.operations.requests.gate import Gate


def handlers(gate: Gate, users: Users) -> dict[str, Handler]:
    """Handlers of this family by operation."""
    return {
        "CreateUser": gated(gate, create_command, users.create, nothing),
        "DeleteUser": gated(gate, delete_command, users.delete, nothing),
        "ListUsers": gated(gate, list_command, users.list, list_output),
        "AssociateFaces": gated(gate, associate_command, users.associate, associate_output),
        "DisassociateFaces": gated(gate, disassociate_command, users.disassociate, disassociate_output),
    }


def create_command(params: Params) -> CreateUser:
    """Parameters of CreateUser."""
    return CreateUser(
        collection_id=collection_id(params),
        user_id=UserId(params["UserId"]),
        client_request_token=params.get("ClientRequestToken"),
    )


def delete_command(params: Params) -> DeleteUser:
    """Parameters of DeleteUser."""
    return DeleteUser(
        collection_id=collection_id(params),
        user_id=UserId(params["UserId"]),
        client_request_token=params.get("ClientRequestToken"),
    )


def list_command(params: Params) -> ListUsers:
    """Parameters of ListUsers."""
    return ListUsers(
        collection_id=collection_id(params),
        max_results=params.get("MaxResults"),
        next_token=params.get("NextToken"),
    )


def list_output(result: UsersListed) -> Output:
    """Output of ListUsers."""
    return {
        "Users": [{"UserId": user.user_id, "UserStatus": user.status.value} for user in result.users],
        "NextToken": result.next_token,
    }


def associate_command(params: Params) -> AssociateFaces:
    """Parameters of AssociateFaces."""
    return AssociateFaces(
        collection_id=collection_id(params),
        user_id=UserId(params["UserId"]),
        face_ids=face_ids(params),
        threshold_pct=params.get("UserMatchThreshold", DEFAULT_ASSOCIATION_THRESHOLD_PCT),
        client_request_token=params.get("ClientRequestToken"),
    )


def associate_output(result: UserChanged) -> Output:
    """Output of AssociateFaces."""
    return {
        "AssociatedFaces": [{"FaceId": face_id} for face_id in result.face_ids],
        "UnsuccessfulFaceAssociations": [refusal(refused) for refused in result.refused],
        "UserStatus": result.status.value,
    }


def disassociate_command(params: Params) -> DisassociateFaces:
    """Parameters of DisassociateFaces."""
    return DisassociateFaces(
        collection_id=collection_id(params),
        user_id=UserId(params["UserId"]),
        face_ids=face_ids(params),
        client_request_token=params.get("ClientRequestToken"),
    )


def disassociate_output(result: UserChanged) -> Output:
    """Output of DisassociateFaces."""
    return {
        "DisassociatedFaces": [{"FaceId": face_id} for face_id in result.face_ids],
        "UnsuccessfulFaceDisassociations": [refusal(refused, confidence=False) for refused in result.refused],
        "UserStatus": result.status.value,
    }
