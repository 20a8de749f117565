"""Pictures that come with scikit-image, without its readers, which every test process would import for two of them.

In: nothing. Out: pixels (H, W, 3), RGB.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import PIL.Image
from numpy.typing import NDArray


def astronaut() -> NDArray[np.uint8]:
    """Eileen Collins (NASA, public domain)."""
    package = find_spec("skimage")
    assert package is not None and package.submodule_search_locations is not None
    with PIL.Image.open(Path(package.submodule_search_locations[0]) / "data" / "astronaut.png") as picture:
        return np.asarray(picture.convert("RGB"))
