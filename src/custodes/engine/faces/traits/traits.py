"""Traits of faces: which network has to run for what was asked, and what comes of it.

In: an upright RGB picture, its detected faces, the traits asked for. Out: the faces with these traits told. A network
that nothing asked for needs is not run, and a trait that was not asked for is not told.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from custodes.engine.faces.geometry.align import RgbArray
from custodes.engine.faces.portrait import PortraitReader, PortraitReadings
from custodes.engine.faces.traits.ages import AgeNetworks, moments, reads_as_man
from custodes.engine.faces.traits.expression import ExpressionReader
from custodes.engine.faces.traits.heads import Fitted
from custodes.engine.faces.traits.occlusion import occluded
from custodes.engine.results.face import AgeRange, DetectedFace, FloatArray, Judgement, Trait, Traits

_OWN_NETWORK = Trait.EMOTIONS
"""All other traits come from the portrait network."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """Which features a head looks at, and where its judgement goes."""

    features: Callable[[PortraitReadings], FloatArray]
    tell: Callable[[Traits, Judgement], Traits]


_HEADS: Mapping[Trait, _Seen] = MappingProxyType(
    {
        Trait.EYEGLASSES: _Seen(
            lambda seen: seen.eyes, lambda judged_traits, judged: replace(judged_traits, eyeglasses=judged)
        ),
        Trait.SUNGLASSES: _Seen(
            lambda seen: seen.eyes, lambda judged_traits, judged: replace(judged_traits, sunglasses=judged)
        ),
        Trait.BEARD: _Seen(lambda seen: seen.mouth, lambda judged_traits, judged: replace(judged_traits, beard=judged)),
        Trait.MUSTACHE: _Seen(
            lambda seen: seen.mouth, lambda judged_traits, judged: replace(judged_traits, mustache=judged)
        ),
        Trait.SMILE: _Seen(lambda seen: seen.mouth, lambda judged_traits, judged: replace(judged_traits, smile=judged)),
    }
)


@dataclass(frozen=True, slots=True)
class TraitReader:
    """The description step. ``expression`` opens its networks when they are first needed."""

    portrait: PortraitReader
    expression: Callable[[], ExpressionReader]
    fitted: Fitted
    ages: AgeNetworks

    def read(self, rgb: RgbArray, faces: Sequence[DetectedFace], traits: Collection[Trait]) -> tuple[DetectedFace, ...]:
        """``faces`` with ``traits`` told as far as they can be."""
        if not faces or not traits:
            return tuple(faces)
        rows = list(faces)
        if set(traits) - {_OWN_NETWORK}:
            rows = self._from_portraits(rgb, rows, traits)
        if Trait.EMOTIONS in traits:
            emotions = self.expression().read(rgb, faces)
            rows = [replace(f, traits=replace(f.traits, emotions=e)) for f, e in zip(rows, emotions, strict=True)]
        return tuple(rows)

    def _from_portraits(
        self, rgb: RgbArray, faces: Sequence[DetectedFace], traits: Collection[Trait]
    ) -> list[DetectedFace]:
        portraits = self.portrait.read(rgb, faces)
        rows = self._demography(portraits, traits)
        for trait, seen in _HEADS.items():
            if trait in traits:
                judgements = self.fitted.heads[trait].judge(seen.features(portraits))
                rows = [seen.tell(*pair) for pair in zip(rows, judgements, strict=True)]
        if Trait.FACE_OCCLUDED in traits:
            odds = self.fitted.heads[Trait.FACE_OCCLUDED].log_odds(np.hstack([portraits.eyes, portraits.mouth]))
            rows = [replace(t, occluded=occluded(o, f)) for t, o, f in zip(rows, odds, faces, strict=True)]
        return [replace(f, traits=t) for f, t in zip(faces, rows, strict=True)]

    def _demography(self, portraits: PortraitReadings, traits: Collection[Trait]) -> list[Traits]:
        ages: Sequence[AgeRange | None] = [None] * len(portraits.male)
        if Trait.AGE_RANGE in traits:
            ages = self.ages.ranges(portraits)
        if Trait.GENDER not in traits:
            return [Traits(age=age) for age in ages]
        middles, _ = moments(portraits.years)
        return [
            Traits(age=age, male=reads_as_man(float(male), float(middle)))
            for age, male, middle in zip(ages, portraits.male, middles, strict=True)
        ]
