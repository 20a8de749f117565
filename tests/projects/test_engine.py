"""The engine of custom labels over networks that see colours: what it learns, how sure it is, what it goes on after."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from custodes.core.errors import UnavailableError
from custodes.core.ids import RequestId
from custodes.core.slot import Slot, SlotClosedError
from custodes.engine.custom.backbone import Backbone
from custodes.engine.custom.pipeline import CustomLabelPipeline
from custodes.engine.results.custom import Example, Lesson, TrainingPlan
from custodes.imaging.image import Image, decode
from custodes.operations.images.engines import ImageEngines
from tests.fakes.custom import colour_engine, coloured_cells, colours, plain
from tests.fakes.live import running
from tests.fakes.sight import sight
from tests.fakes.studio import PICTURES, RESULTS, FacesInLargePictures, Studio

NAMES = ("blue", "lime", "red")


def shown(colour: str, seed: int) -> Image:
    return decode(plain(colour, seed))


def slot() -> Slot:
    return Slot(0, RequestId("test"))


def examples(engine: CustomLabelPipeline, plan: TrainingPlan, count: int = 6) -> list[Example]:
    return [engine.study(slot(), shown(name, i), Lesson((name,)), plan) for name in NAMES for i in range(count)]


def test_the_same_pictures_give_the_same_model() -> None:
    engine, plan = colour_engine(), TrainingPlan(NAMES, backbone="colours")
    first, second = (engine.fit(slot(), examples(engine, plan), plan) for _ in range(2))
    assert first == second


def test_labels_that_exclude_each_other_sum_to_all(studio: Studio) -> None:
    engine, plan = colour_engine(), TrainingPlan(NAMES, backbone="colours")
    model = engine.open(engine.fit(slot(), examples(engine, plan), plan))
    found = engine.detect(slot(), shown("red", 50), model)
    assert found[0].name == "red" and found[0].confidence_pct > 80
    assert sum(label.confidence_pct for label in found) == pytest.approx(100)


def sureness(colours_of_labels: tuple[str, ...], count: int) -> float:
    """Mean confidence in the first answer to new pictures of each label, trained on ``count`` of each; percent."""
    engine, plan = colour_engine(), TrainingPlan(colours_of_labels, backbone="colours")
    taught = [engine.study(slot(), shown(c, i), Lesson((c,)), plan) for c in colours_of_labels for i in range(count)]
    model = engine.open(engine.fit(slot(), taught, plan))
    new = [engine.detect(slot(), shown(c, 90), model)[0].confidence_pct for c in colours_of_labels]
    return float(np.mean(new))


APART, ALIKE = ("red", "blue", "lime"), ("red", "crimson", "firebrick")


def test_one_picture_of_things_alike_is_told_with_less_confidence_than_of_things_apart() -> None:
    assert sureness(ALIKE, 1) < 45 < sureness(APART, 1), "a third is chance"


def test_pictures_that_are_told_apart_while_left_out_raise_confidence() -> None:
    assert sureness(ALIKE, 8) > sureness(ALIKE, 1) + 10


def test_several_labels_each_for_itself() -> None:
    engine = colour_engine()
    plan = TrainingPlan(("cold", "red"), several=True, backbone="colours")
    lessons = {"red": ("red",), "blue": ("cold",), "purple": ("cold", "red"), "lime": ()}
    taught = [engine.study(slot(), shown(c, i), Lesson(names), plan) for c, names in lessons.items() for i in range(8)]
    model = engine.open(engine.fit(slot(), taught, plan))
    for colour, names in lessons.items():
        found = engine.detect(slot(), shown(colour, 60), model)
        assert {label.name for label in found if label.confidence_pct >= 50} == set(names), colour


def test_nothing_is_computed_outside_of_the_gate() -> None:
    engine, closed = colour_engine(), slot()
    closed.close()
    with pytest.raises(SlotClosedError):
        engine.study(closed, shown("red", 1), Lesson(("red",)), TrainingPlan(NAMES, backbone="colours"))


@pytest.mark.parametrize("damage", [lambda data: data[:100], lambda data: b"", lambda data: data[::-1]])
def test_a_damaged_model_does_not_open(damage: Any) -> None:
    engine, plan = colour_engine(), TrainingPlan(NAMES, backbone="colours")
    data = engine.fit(slot(), examples(engine, plan, 2), plan)
    with pytest.raises(UnavailableError):
        engine.open(damage(data))


class FailingOnce(CustomLabelPipeline):
    """Cannot look at one picture the first time."""

    def __init__(self, whole: CustomLabelPipeline) -> None:
        self.whole, self.studied, self.failed = whole, 0, False

    @property
    def backbones(self) -> tuple[str, ...]:
        return self.whole.backbones

    def study(self, slot: Slot, image: Image, lesson: Lesson, plan: TrainingPlan) -> Example:
        self.studied += 1
        if self.studied == 12 and not self.failed:
            self.failed = True
            raise UnavailableError("the disk is away")
        return self.whole.study(slot, image, lesson, plan)

    def fit(self, slot: Slot, examples: Any, plan: TrainingPlan) -> bytes:
        return self.whole.fit(slot, examples, plan)

    def open(self, model: bytes) -> Any:
        return self.whole.open(model)

    def detect(self, slot: Slot, image: Image, model: Any) -> Any:
        return self.whole.detect(slot, image, model)


@contextmanager
def serving(folder: Path, engines: ImageEngines) -> Iterator[Studio]:
    folders = [folder / PICTURES, folder / RESULTS]
    for place in folders:
        place.mkdir()
    overrides = {
        "buckets": {PICTURES: folders[0], RESULTS: folders[1]}, "output_buckets": RESULTS, "training_wait_s": 55,
    }  # fmt: skip
    with running(folder / "data", overrides, engine=FacesInLargePictures(), sight=engines) as server:
        yield Studio(server, server.client(), *folders)


@pytest.fixture
def shaky(tmp_path: Path) -> Iterator[tuple[Studio, FailingOnce]]:
    engine, seen = FailingOnce(colour_engine()), sight()
    engines = ImageEngines(seen.labels, seen.moderation, seen.equipment, lambda: engine)
    with serving(tmp_path, engines) as studio:
        yield studio, engine


def test_a_training_goes_on_behind_the_part_that_it_had_reached(shaky: tuple[Studio, FailingOnce]) -> None:
    studio, engine = shaky
    lines = studio.coloured(["red", "blue"], 10)
    source = studio.manifest("a.manifest", lines)
    project = studio.project("shaky")
    given = {"Assets": [source]}
    studio.client.create_project_version(
        ProjectArn=project,
        VersionName="v1",
        OutputConfig={"S3Bucket": RESULTS},
        TrainingData=given,
        TestingData=given,
    )
    described = studio.described(project)
    assert engine.failed and described["Status"] == "TRAINING_COMPLETED", described["StatusMessage"]
    assert engine.studied == 20 + 4, "the first part was not looked at again, the part that failed from its beginning"


class OneAbsent(Mapping[str, Backbone]):
    """Networks of which the last was not fetched."""

    names = ("colours", "light", "absent")

    def __getitem__(self, name: str) -> Backbone:
        if name not in self.names:
            raise KeyError(name)
        if name == "absent":
            raise UnavailableError("model absent is not here; run: custodes models fetch absent")
        return Backbone("colours", 32, colours) if name == "colours" else Backbone("light", 16, brightness)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


def brightness(squares: NDArray[np.generic]) -> NDArray[np.float32]:
    """(n, 2): as if of a network that sees no colours, but light."""
    return np.stack([squares.mean((1, 2, 3)) / 255, np.ones(len(squares))], axis=1).astype(np.float32)


@pytest.fixture
def chosen(tmp_path: Path) -> Iterator[Studio]:
    engine, seen = CustomLabelPipeline(OneAbsent(), coloured_cells), sight()
    engines = ImageEngines(seen.labels, seen.moderation, seen.equipment, lambda: engine)
    with serving(tmp_path, engines) as studio:
        yield studio


def test_the_network_of_a_version_is_chosen_by_a_tag(chosen: Studio) -> None:
    project = chosen.project("chosen")
    source = chosen.manifest("a.manifest", chosen.coloured(["red", "blue", "white"], 6))
    given = {"TrainingData": {"Assets": [source]}, "TestingData": {"Assets": [source]}}
    versions = {
        name: chosen.train(project, name, Tags={"custodes:backbone": name}, **given) for name in ("colours", "light")
    }
    scores = {
        one["ProjectVersionArn"].split("/")[3]: one
        for one in chosen.client.describe_project_versions(ProjectArn=project)["ProjectVersionDescriptions"]
    }
    assert scores["colours"]["EvaluationResult"]["F1Score"] == 1.0
    assert scores["light"]["EvaluationResult"]["F1Score"] < 0.95, "it cannot tell red from blue of the same light"
    chosen.client.start_project_version(ProjectVersionArn=versions["light"], MinInferenceUnits=1)
    found = chosen.client.detect_custom_labels(
        ProjectVersionArn=versions["light"], Image={"Bytes": plain("white", 9)}, MinConfidence=0
    )
    assert found["CustomLabels"][0]["Name"] == "white", "a version is asked through the network it was trained on"


@pytest.mark.parametrize(("name", "told"), [("absent", "custodes models fetch absent"), ("other", "colours, light")])
def test_a_network_that_is_not_here_trains_nothing_and_says_what_to_do(chosen: Studio, name: str, told: str) -> None:
    project = chosen.project("refused")
    source = chosen.manifest("a.manifest", chosen.coloured(["red", "blue"], 6))
    given = {"TrainingData": {"Assets": [source]}, "TestingData": {"Assets": [source]}}
    with pytest.raises(chosen.client.exceptions.InvalidParameterException, match=told):
        chosen.train(project, Tags={"custodes:backbone": name}, **given)
    assert chosen.client.describe_project_versions(ProjectArn=project)["ProjectVersionDescriptions"] == []
