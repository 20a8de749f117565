"""The moderation engine from opened networks. It fetches nothing."""

from __future__ import annotations

from custodes.engine.faces.detection.detect import centerface
from custodes.engine.labels.assembly import open_objects, open_scenes
from custodes.engine.labels.taxonomy import load_taxonomy
from custodes.engine.moderation.body_parts import BodyPartDetector
from custodes.engine.moderation.pipeline import MODEL_VERSION, SIDE_PX, ModerationPipeline, ModerationSteps
from custodes.engine.moderation.second_look import SecondLook
from custodes.engine.moderation.taxonomy import load_moderation_taxonomy
from custodes.engine.runtime.batch import Batcher
from custodes.engine.runtime.networks import Networks
from custodes.engine.runtime.once import Once


def open_moderation_engine(networks: Networks, *, nudenet: bool) -> ModerationPipeline:
    """Open what moderation needs; ``nudenet`` adds the opt-in network.

    Raises:
        UnavailableError: a model is missing, altered or cannot be opened.
    """
    network = networks.session("nsfwjs-mobilenet-v2-mid", beside=True)
    whole = Batcher(lambda rgb: network.run({"rgb": rgb}, ("classes",))["classes"])
    objects = Once(lambda: open_objects(networks))
    faces = centerface(networks.session("centerface"))
    return ModerationPipeline(
        ModerationSteps(
            whole=whole,
            second_look=SecondLook(whole, faces, lambda rgb: objects().detect(rgb), SIDE_PX),
            scenes=open_scenes(networks),
            labels=load_taxonomy(),
            taxonomy=load_moderation_taxonomy(),
            parts=BodyPartDetector(networks.session("nudenet")) if nudenet else None,
            beside=networks.beside,
        ),
        networks.arithmetic.version(MODEL_VERSION),
    )
