"""Which sighting of a person shows the face best.

In: size, sharpness, pose of one sighting. Out: a number to compare. It sees no pictures.
"""

from __future__ import annotations

import math

_MAX_TURN_DEG = 90.0


def shot_score(area: float, sharpness_pct: float, yaw_deg: float, pitch_deg: float) -> float:
    """Larger is better: the face's area in shares of the picture, by its sharpness, by how far it looks at the camera.

    Args:
        area: 0 to 1.
        sharpness_pct: 0 to 100.
        yaw_deg: 0 is frontal.
        pitch_deg: 0 is frontal.
    """
    turn = min(_MAX_TURN_DEG, math.hypot(yaw_deg, pitch_deg))
    frontal = math.cos(math.radians(turn))
    # The root of the area: a face twice as wide is twice as good, not four times.
    return math.sqrt(max(0.0, area)) * (0.2 + sharpness_pct / 100) * (0.2 + frontal)
