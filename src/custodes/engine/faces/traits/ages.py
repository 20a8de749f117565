"""From what the portrait network says about age and gender to an interval and a confidence that can be relied on.

In: its probabilities by year, and its number between woman and man. Out: an ``AgeRange``, a ``Judgement``. How often
the interval holds and how often the judgement is right, by group: docs/faces.md. Both are readings of a picture by a
stranger; neither is a fact about a person.

Source of the constants: our own, fitted by scripts/fit_ages.py on one half of 1,985 labelled faces aged 1 to 49 and
measured by bench/attributes.py on the other.
"""

from __future__ import annotations

import numpy as np

from custodes.engine.faces.traits.heads import judged
from custodes.engine.results.face import AgeRange, FloatArray, Judgement

# Mean of the network's years to years: it makes children and young people older than they are. Nobody over 49 was
# among the labelled faces, so from 50 on the network's own word stands.
_HEARD = (1.0, 3.0, 6.0, 12.0, 18.0, 25.0, 32.0, 40.0, 50.0, 100.0)
_MEANT = (1.0, 1.6, 4.5, 13.9, 15.2, 21.0, 26.9, 36.0, 50.0, 100.0)
_SPREADS = 0.83
"""Half the interval in standard deviations of the network's years: holds four of five faces of the fitting half."""

# Log odds of ``man``: slope and shift on the network's own log odds. Of small children it knows next to nothing.
_ADULT_FROM, _CHILD_UNTIL = 18.0, 10.0
_ADULT, _CHILD = (1.52, -0.56), (0.98, -0.16)


def age_range(years: FloatArray) -> AgeRange:
    """The interval for one face from its (100,) probabilities of the years from 1."""
    middle, spread = _moments(years)
    centre = float(np.interp(middle, _HEARD, _MEANT))
    reach = _SPREADS * spread
    return AgeRange(max(0, int(np.floor(centre - reach))), max(1, int(np.ceil(centre + reach))))


def reads_as_man(male: float, years: FloatArray) -> Judgement:
    """Man (True) or woman with calibrated confidence; near 50 for small children, of whom the network knows little."""
    chance = min(max(male, 1e-6), 1.0 - 1e-6)
    middle, _ = _moments(years)
    grown = float(np.interp(middle, (_CHILD_UNTIL, _ADULT_FROM), (0.0, 1.0)))
    slope, shift = (grown * adult + (1.0 - grown) * child for adult, child in zip(_ADULT, _CHILD, strict=True))
    return judged(slope * float(np.log(chance / (1.0 - chance))) + shift)


def _moments(years: FloatArray) -> tuple[float, float]:
    axis = np.arange(1, len(years) + 1)
    middle = float(years @ axis)
    return middle, float(np.sqrt(max(0.0, float(years @ axis**2) - middle**2)))
