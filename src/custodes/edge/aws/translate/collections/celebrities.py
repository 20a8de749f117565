"""RecognizeCelebrities and GetCelebrityInfo between AWS members and commands."""

from __future__ import annotations

from custodes.edge.aws.translate.face_detail import expressive_face
from custodes.edge.aws.translate.members import image_input
from custodes.edge.aws.translate.route import Output, Params, gated
from custodes.edge.aws.wire import Handler
from custodes.gallery.celebrities import Celebrity
from custodes.operations.collections.celebrities import (
    Celebrities,
    CelebritiesRecognized,
    GetCelebrityInfo,
    RecognizeCelebrities,
)
from custodes.operations.requests.gate import Gate


def handlers(gate: Gate, celebrities: Celebrities) -> dict[str, Handler]:
    """Handlers of this family by operation."""
    return {
        "RecognizeCelebrities": gated(gate, recognize_command, celebrities.recognize, recognize_output),
        "GetCelebrityInfo": gated(gate, info_command, celebrities.info, info_output),
    }


def recognize_command(params: Params) -> RecognizeCelebrities:
    """Parameters of RecognizeCelebrities."""
    return RecognizeCelebrities(image=image_input(params["Image"]))


def recognize_output(result: CelebritiesRecognized) -> Output:
    """Output of RecognizeCelebrities."""
    size, attributes = result.found.size, result.attributes
    return {
        "CelebrityFaces": [
            {
                **info_output(named.person),
                "Id": named.person.celebrity_id,
                "Face": expressive_face(named.face, size, attributes),
                "MatchConfidence": named.confidence_pct,
            }
            for named in result.named
        ],
        "UnrecognizedFaces": [expressive_face(face, size, attributes) for face in result.unnamed],
    }


def info_command(params: Params) -> GetCelebrityInfo:
    """Parameters of GetCelebrityInfo."""
    return GetCelebrityInfo(celebrity_id=params["Id"])


def info_output(person: Celebrity) -> Output:
    """Output of GetCelebrityInfo, which is also part of a recognised face."""
    return {
        "Name": person.name,
        "Urls": list(person.urls),
        "KnownGender": None if person.gender is None else {"Type": person.gender.value},
    }
