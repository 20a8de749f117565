"""ReembedFaces, ListFacesToReembed, SwitchFaceModel between members of our own model and commands."""

from __future__ import annotations

from custodes.core.ids import ModelVersion
from custodes.edge.aws.translate.members import collection_id, face, face_ids, image_input
from custodes.edge.aws.translate.route import Output, Params, gated
from custodes.edge.aws.wire import Handler
from custodes.operations.requests.gate import Gate
from custodes.operations.tasks.reembedding import (
    FacesReembedded,
    FacesToReembed,
    ListFacesToReembed,
    Reembedding,
    ReembedFaces,
    SwitchFaceModel,
)


def handlers(gate: Gate, reembedding: Reembedding) -> dict[str, Handler]:
    """The handlers by operation."""
    return {
        "ReembedFaces": gated(gate, _reembed_command, reembedding.reembed, _reembedded_output),
        "ListFacesToReembed": gated(gate, _list_command, reembedding.listing, _list_output),
        "SwitchFaceModel": gated(
            gate,
            lambda params: SwitchFaceModel(collection_id=collection_id(params)),
            reembedding.switch,
            _switch_output,
        ),
    }


def _reembed_command(params: Params) -> ReembedFaces:
    return ReembedFaces(
        collection_id=collection_id(params),
        image=image_input(params["Image"]),
        face_ids=tuple(dict.fromkeys(face_ids(params))),
    )


def _reembedded_output(found: FacesReembedded) -> Output:
    return {
        "FaceModelVersion": found.model_version,
        "Reembedded": list(found.face_ids),
        "Unmatched": [{"FaceId": face_id, "Reason": str(why)} for face_id, why in found.unmatched.items()],
    }


def _list_command(params: Params) -> ListFacesToReembed:
    return ListFacesToReembed(
        collection_id=collection_id(params),
        max_results=params.get("MaxResults"),
        next_token=params.get("NextToken"),
    )


def _list_output(found: FacesToReembed) -> Output:
    return {
        "FromFaceModelVersion": found.from_version,
        "FaceModelVersion": found.model_version,
        "FaceCount": found.faces,
        "MissingCount": found.missing,
        "Faces": [face(one) for one in found.page],
        "NextToken": found.next_token,
    }


def _switch_output(version: ModelVersion) -> Output:
    return {"FaceModelVersion": version}
