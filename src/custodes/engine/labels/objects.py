"""Objects of 80 kinds with boxes: CenterNet and NanoDet look, their candidates are fused.

In: an upright RGB picture. Out: boxes in pixels of it, class indexes of COCO, scores. It knows no names of labels.

Sources of the decoding: Zhou, Wang and Krähenbühl, Objects as Points, arXiv:1904.07850, section 4 (local maxima of a
heat map instead of suppression); Li et al., Generalized Focal Loss, arXiv:2006.04388, section 3.2 (an edge's distance
is the mean of a distribution over bins).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from custodes.engine.labels.boxes import Boxes, fuse, suppress
from custodes.engine.labels.letterbox import RgbArray, letterbox
from custodes.engine.results.face import FloatArray
from custodes.engine.runtime.beside import ALONE, Beside

_CENTERNET_PX, _CENTERNET_STRIDE = 512, 4
NANODET_PX, NANODET_STRIDES, _NANODET_BINS = 416, (8, 16, 32), 11
_NANODET_OUTPUTS = tuple(f"{kind}_{stride}" for stride in NANODET_STRIDES for kind in ("boxes", "scores"))


class ObjectNetwork(Protocol):
    """An opened model: named arrays in, named arrays out."""

    def run(
        self, feeds: Mapping[str, NDArray[np.generic]], wanted: Sequence[str] | None = None
    ) -> Mapping[str, FloatArray]:
        """Run once; batch is the first axis. All outputs, or those that are wanted."""
        ...


@dataclass(frozen=True, slots=True)
class ObjectRules:
    """Constants of detection.

    Attributes:
        min_score: candidates below are dropped before anything else.
        max_iou: overlap above which a detector's weaker box of a class is the same thing.
        fuse_iou: overlap above which boxes of two detectors are.
        trust: factors of CenterNet's and NanoDet's scores.
        margins_px: for networks that take parts of their squares, how much black they see around a picture: CenterNet
            and NanoDet. None: the whole squares.
    """

    min_score: float = 0.1
    max_iou: float = 0.6
    fuse_iou: float = 0.6
    trust: tuple[float, float] = (1.0, 0.8)
    margins_px: tuple[int | None, int | None] = (None, None)


def decode_centernet(keypoints: FloatArray, edges: FloatArray, min_score: float) -> Boxes:
    """Candidates in network pixels: cells of a class that no neighbour exceeds.

    Args:
        keypoints: (classes, h, w) score per cell.
        edges: (4, h, w) pixels from the cell to the left, top, right and bottom edge.
        min_score: cells below are ignored.
    """
    # Three indexes from one: asking numpy for all three looks at every cell three times.
    cells = np.flatnonzero(keypoints >= min_score)
    classes, rows, columns = np.unravel_index(cells, keypoints.shape)
    scores = keypoints[classes, rows, columns]
    around = np.pad(keypoints, ((0, 0), (1, 1), (1, 1)))
    top = np.max([around[classes, rows + y, columns + x] for y in range(3) for x in range(3)], axis=0, initial=0)
    peak = scores >= top
    classes, rows, columns = classes[peak], rows[peak], columns[peak]
    left, up, right, down = edges[:, rows, columns]
    x, y = columns * _CENTERNET_STRIDE, rows * _CENTERNET_STRIDE
    places = np.stack([x - left, y - up, x + right, y + down], axis=1)
    return Boxes(places.astype(np.float32), classes, scores[peak].astype(np.float32))


def decode_nanodet(outputs: Mapping[str, FloatArray], min_score: float, width_px: int = NANODET_PX) -> Boxes:
    """Candidates in network pixels of one picture from ``scores_S`` (1, n, classes) and ``boxes_S`` (1, n, 44).

    ``width_px``: of what the network saw.
    """
    parts: list[tuple[FloatArray, NDArray[np.intp], FloatArray]] = []
    for stride in NANODET_STRIDES:
        table = outputs[f"scores_{stride}"][0]
        cells, classes = np.divmod(np.flatnonzero(table >= min_score), table.shape[1])
        places = cell_boxes(outputs[f"boxes_{stride}"][0], cells, stride, width_px)
        parts.append((places, classes, table[cells, classes].astype(np.float32)))
    places, classes, scores = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Boxes(places, classes, scores)


def cell_boxes(distances: FloatArray, cells: NDArray[np.intp], stride: int, width_px: int = NANODET_PX) -> FloatArray:
    """(N, 4) boxes in network pixels of ``cells`` (N,) of one level, from its ``distances`` (n, 44)."""
    logits = distances[cells].reshape(-1, 4, _NANODET_BINS)
    shares = np.exp(logits - logits.max(-1, keepdims=True, initial=-np.inf))
    left, up, right, down = ((shares @ np.arange(_NANODET_BINS)) / shares.sum(-1) * stride).T
    rows, columns = np.divmod(cells, width_px // stride)
    x, y = (columns + 0.5) * stride, (rows + 0.5) * stride
    return np.stack([x - left, y - up, x + right, y + down], axis=1).astype(np.float32)


class ObjectDetector:
    """Detection as a pipeline step: two networks, one list of boxes."""

    def __init__(
        self,
        centernet: ObjectNetwork,
        nanodet: ObjectNetwork,
        rules: ObjectRules | None = None,
        beside: Beside = ALONE,
    ) -> None:
        """Keep the opened networks and the constants; CenterNet runs ``beside`` the caller."""
        self._beside = beside
        self._centernet = centernet
        self._nanodet = nanodet
        self._rules = rules or ObjectRules()

    def detect(self, rgb: RgbArray) -> Boxes:
        """All candidates in pixels of ``rgb``, best first; scores are not calibrated."""
        with self.looking(rgb) as found:
            return found()

    @contextmanager
    def looking(self, rgb: RgbArray) -> Iterator[Callable[[], Boxes]]:
        """The same for callers who have something else to do before they ask for the candidates."""
        with self._beside.running(lambda: self.by_centernet(rgb)) as by_centernet:

            def found() -> Boxes:
                by_nanodet = self.by_nanodet(rgb)
                return fuse([by_centernet(), by_nanodet], self._rules.trust, self._rules.fuse_iou)

            yield found

    def by_centernet(self, rgb: RgbArray) -> Boxes:
        """CenterNet's candidates alone."""
        planes, frame = letterbox(rgb, _CENTERNET_PX, margin_px=self._rules.margins_px[0])
        out = self._centernet.run({"rgb": planes})
        found = decode_centernet(out["keypoints"][0], out["wh"][0], self._rules.min_score)
        return suppress(Boxes(frame.to_picture(found.places), found.classes, found.scores), self._rules.max_iou)

    def by_nanodet(self, rgb: RgbArray) -> Boxes:
        """NanoDet's candidates alone."""
        planes, frame = letterbox(rgb, NANODET_PX, margin_px=self._rules.margins_px[1])
        out = self._nanodet.run({"rgb": planes}, _NANODET_OUTPUTS)
        found = decode_nanodet(out, self._rules.min_score, planes.shape[-1])
        return suppress(Boxes(frame.to_picture(found.places), found.classes, found.scores), self._rules.max_iou)
