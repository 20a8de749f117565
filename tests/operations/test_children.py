"""The rule on children: who looks younger than thirteen is neither compared nor searched where it is in force."""

from __future__ import annotations

from dataclasses import replace

import pytest

from custodes.core.errors import DeniedError
from custodes.engine.results.face import NOTHING_TOLD, AgeRange, Trait
from custodes.governance.children import REFUSE_CHILDREN, looks_like_a_child
from custodes.imaging.image import decode
from custodes.operations.requests.gate import Allow
from tests.fakes.engine import Square, SquareEngine, picture

ON = {"CollectionId": "people"}
GROWN, CHILD = picture(Square(1)), picture(Square(2))


class AgeingEngine(SquareEngine):
    """Person 2 looks nine years old; the others thirty."""

    def describe(self, slot, image, faces, traits):
        self.traits.append(frozenset(traits))
        child = image.rgb.tobytes() == self.child_rgb
        age = AgeRange(6, 12) if child else AgeRange(25, 35)
        return tuple(replace(face, traits=replace(NOTHING_TOLD, age=age)) for face in faces)


@pytest.fixture
def guarded(server):
    """A server whose rules refuse children; ``server.traits`` is what the engine was asked to estimate."""
    server.engine = AgeingEngine()
    server.engine.child_rgb = decode(CHILD).rgb.tobytes()
    server.collection()
    server.enrol(GROWN)
    server.policy.decision = Allow("default", obligations=frozenset({REFUSE_CHILDREN}))
    return server


CALLS = [
    ("SearchFacesByImage", lambda data: {**ON, "Image": {"Bytes": data}}),
    ("SearchUsersByImage", lambda data: {**ON, "Image": {"Bytes": data}}),
    ("CompareFaces", lambda data: {"SourceImage": {"Bytes": data}, "TargetImage": {"Bytes": GROWN}}),
    ("CompareFaces", lambda data: {"SourceImage": {"Bytes": GROWN}, "TargetImage": {"Bytes": data}}),
]


@pytest.mark.parametrize(("operation", "params"), CALLS)
def test_a_child_is_refused_and_an_adult_is_not(guarded, operation, params):
    with pytest.raises(DeniedError, match="younger than 13"):
        guarded.call(operation, **params(CHILD))
    assert guarded.recorder.outcomes[-1].code == "DeniedError"
    guarded.call(operation, **params(GROWN))


@pytest.mark.parametrize(("operation", "params"), CALLS)
def test_without_the_rule_nobodys_age_is_estimated(guarded, operation, params):
    guarded.policy.decision = Allow("default")
    guarded.engine.traits.clear()
    guarded.call(operation, **params(CHILD))
    assert all(Trait.AGE_RANGE not in asked for asked in guarded.engine.traits)


@pytest.mark.parametrize(
    ("low", "high", "child"), [(0, 2, True), (8, 17, True), (9, 17, False), (12, 13, True), (20, 40, False)]
)
def test_the_middle_of_the_range_decides(low, high, child):
    assert looks_like_a_child(low, high) is child
