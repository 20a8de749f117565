"""The equipment engine from opened networks and a face engine. It fetches nothing."""

from __future__ import annotations

from custodes.engine.equipment.body_points import BodyPointReader
from custodes.engine.equipment.head_cover import Logits, load_head_cover
from custodes.engine.equipment.masks import load_mask_heads
from custodes.engine.equipment.pipeline import MODEL_VERSION, EquipmentPipeline, EquipmentSteps
from custodes.engine.equipment.portraits import PortraitInspector, PortraitSteps
from custodes.engine.faces.portrait import PortraitReader, portrait_run
from custodes.engine.labels.assembly import open_objects
from custodes.engine.ports import FaceEngine
from custodes.engine.runtime.batch import Batcher
from custodes.engine.runtime.networks import Networks


def open_equipment_engine(networks: Networks, faces: FaceEngine) -> EquipmentPipeline:
    """Open what equipment needs beside ``faces``.

    Raises:
        UnavailableError: a model is missing, altered or cannot be opened.
    """
    portraits = PortraitReader(Batcher(portrait_run(networks.session("faceres"))))
    bodies = BodyPointReader(networks.session("movenet", beside=True))
    heads = load_head_cover(open_head_scores(networks))
    objects = open_objects(networks)
    steps = EquipmentSteps(objects, faces, portraits, load_mask_heads(), heads, bodies, networks.beside)
    return EquipmentPipeline(steps, networks.arithmetic.version(MODEL_VERSION))


def open_portrait_engine(networks: Networks, faces: FaceEngine) -> PortraitInspector:
    """Open what checks of portraits need beside ``faces``. Raises UnavailableError as above."""
    portraits = PortraitReader(Batcher(portrait_run(networks.session("faceres"))))
    heads = load_head_cover(open_head_scores(networks))
    bodies = BodyPointReader(networks.session("movenet", beside=True))
    return PortraitInspector(PortraitSteps(faces, portraits, load_mask_heads(), heads, bodies))


def open_head_scores(networks: Networks) -> Logits:
    """The whole-picture classifier's scores, batched across requests. Raises UnavailableError as above."""
    scenes = networks.session("efficientnet-lite2", beside=True, exact=True)
    return Batcher(lambda rgb: scenes.run({"rgb": rgb}, ("logits",))["logits"])
