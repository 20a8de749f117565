"""DescribePersons between members of our own model and commands."""

from __future__ import annotations

from custodes.core.box import Size
from custodes.edge.aws.translate.images.labels import colour_output
from custodes.edge.aws.translate.members import bounding_box, image_input
from custodes.edge.aws.translate.route import Output, Params, gated
from custodes.edge.aws.wire import Handler
from custodes.engine.results.person import PersonsSeen, SeenPerson
from custodes.operations.persons.persons import DEFAULT_PERSONS, DescribePersons, PersonDescription
from custodes.operations.requests.gate import Gate


def handlers(gate: Gate, persons: PersonDescription) -> dict[str, Handler]:
    """The handler by operation."""
    return {"DescribePersons": gated(gate, _command, persons.describe, _output)}


def _command(params: Params) -> DescribePersons:
    return DescribePersons(image=image_input(params["Image"]), max_persons=params.get("MaxPersons", DEFAULT_PERSONS))


def _output(found: PersonsSeen) -> Output:
    return {"PersonCount": found.count, "Persons": [_person(one, found.size) for one in found.persons]}


def _person(one: SeenPerson, size: Size) -> Output:
    return {
        "BoundingBox": bounding_box(one.box_px.to_ratio(size)),
        "Confidence": one.confidence_pct,
        "UpperColors": [colour_output(colour) for colour in one.upper],
        "LowerColors": [colour_output(colour) for colour in one.lower],
    }
