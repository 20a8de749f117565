"""Traits of faces: which network has to run for what was asked, and what comes of it.

In: an upright RGB picture, its detected faces, the traits asked for. Out: the faces with these traits told. A network
that nothing asked for needs is not run, and a trait that was not asked for is not told.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from custodes.engine.faces.align import RgbArray
from custodes.engine.faces.portrait import PortraitReader, Portraits
from custodes.engine.faces.traits.ages import age_range, reads_as_man
from custodes.engine.faces.traits.expression import ExpressionReader
from custodes.engine.faces.traits.heads import Fitted
from custodes.engine.results.face import DetectedFace, FloatArray, Judgement, Trait, Traits

_OWN_NETWORK = Trait.EMOTIONS
"""All other traits come from the portrait network."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """Which features a head looks at, and where its judgement goes."""

    features: Callable[[Portraits], FloatArray]
    tell: Callable[[Traits, Judgement], Traits]


_HEADS: Mapping[Trait, _Seen] = MappingProxyType(
    {
        Trait.EYEGLASSES: _Seen(lambda seen: seen.eyes, lambda told, judged: replace(told, eyeglasses=judged)),
        Trait.SUNGLASSES: _Seen(lambda seen: seen.eyes, lambda told, judged: replace(told, sunglasses=judged)),
        Trait.BEARD: _Seen(lambda seen: seen.mouth, lambda told, judged: replace(told, beard=judged)),
        Trait.MUSTACHE: _Seen(lambda seen: seen.mouth, lambda told, judged: replace(told, mustache=judged)),
        Trait.SMILE: _Seen(lambda seen: seen.mouth, lambda told, judged: replace(told, smile=judged)),
        Trait.FACE_OCCLUDED: _Seen(
            lambda seen: np.hstack([seen.eyes, seen.mouth]), lambda told, judged: replace(told, occluded=judged)
        ),
    }
)


@dataclass(frozen=True, slots=True)
class TraitReader:
    """The description step. ``expression`` opens its networks when they are first needed."""

    portrait: PortraitReader
    expression: Callable[[], ExpressionReader]
    fitted: Fitted

    def read(self, rgb: RgbArray, faces: Sequence[DetectedFace], traits: Collection[Trait]) -> tuple[DetectedFace, ...]:
        """``faces`` with ``traits`` told as far as they can be."""
        if not faces or not traits:
            return tuple(faces)
        told = list(faces)
        if set(traits) - {_OWN_NETWORK}:
            told = self._from_portraits(rgb, told, traits)
        if Trait.EMOTIONS in traits:
            emotions = self.expression().read(rgb, faces)
            told = [replace(f, traits=replace(f.traits, emotions=e)) for f, e in zip(told, emotions, strict=True)]
        return tuple(told)

    def _from_portraits(
        self, rgb: RgbArray, faces: Sequence[DetectedFace], traits: Collection[Trait]
    ) -> list[DetectedFace]:
        portraits = self.portrait.read(rgb, faces)
        told = [_demography(portraits, i, traits) for i in range(len(faces))]
        for trait, seen in _HEADS.items():
            if trait in traits:
                judgements = self.fitted.heads[trait].judge(seen.features(portraits))
                told = [seen.tell(*pair) for pair in zip(told, judgements, strict=True)]
        textures = portraits.texture
        return [replace(f, traits=t, texture=row) for f, t, row in zip(faces, told, textures, strict=True)]


def _demography(portraits: Portraits, i: int, traits: Collection[Trait]) -> Traits:
    years = portraits.years[i]
    return Traits(
        age=age_range(years) if Trait.AGE_RANGE in traits else None,
        male=reads_as_man(float(portraits.male[i]), years) if Trait.GENDER in traits else None,
    )
