"""How a shipped network wants its picture, as the first operators of its graph.

In: a graph under construction and ``rgb`` 0..255. Out: the tensor that the network takes. It resizes nothing.
"""

from __future__ import annotations

import numpy as np

from custodes.models.importers.graphs.graph import GraphBuilder
from custodes.models.own import PixelInput


def enter(builder: GraphBuilder, tensor: str, pixels: PixelInput) -> str:
    """Append what makes of ``tensor`` the picture that the network takes; its name."""
    if pixels.bgr:
        tensor = builder.add("Gather", [tensor, builder.constant(np.array([2, 1, 0]))], {"axis": 1})
    if pixels.mean:
        tensor = builder.add("Sub", [tensor, builder.constant(np.float32(pixels.mean))])
    if pixels.scale != 1.0:
        tensor = builder.add("Mul", [tensor, builder.constant(np.float32(pixels.scale))])
    return tensor
