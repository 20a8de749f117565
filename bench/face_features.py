"""What the embedding network says of the faces of LFW and UTKFace, computed once and kept in build/.

In: ../shared/data and the fetched networks. Out: arrays for bench/lfw.py, bench/differential.py and
scripts/fit_lookalikes.py: unit vectors before anything is taken out of them, as a query and as an enrolment sees a
face. UTKFace repeats some people without saying so; who is the same person there is told by three networks that agree.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from custodes.core.device import Device
from custodes.core.ids import RequestId
from custodes.core.slot import Slot
from custodes.engine.faces.assembly import open_face_engine
from custodes.engine.faces.embedding.embed import planes, unit
from custodes.engine.faces.geometry.align import FIVE_SHAPE, ChipFrame, chip
from custodes.engine.faces.pipeline import FacePipeline
from custodes.engine.results.face import DetectedFace, FacesFound, FloatArray, VectorUse
from custodes.engine.runtime.session import open_session
from custodes.imaging.image import Image, decode
from custodes.models.card import load_cards
from custodes.models.store import ModelStore, default_root
from custodes.operations.collections.same_face import overlap
from drawn_light import any_light, lit, normals_of
from halves import digest
from report import ROOT

DATA = ROOT.parent / "shared" / "data"
LFW, UTKFACE = DATA / "lfw" / "images", DATA / "utkface"
_SLOT = Slot(0, RequestId("bench"))
# The middle half of the face's outline, from ear to ear below the eyes, in the vertices of MediaPipe's mesh.
_MASK = (132, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288, 361, 195)
MIXTURE = ROOT / "src" / "custodes" / "engine" / "faces" / "embedding" / "lookalikes.npz"
FITTED_ON = "fitted_on"
SMALL_FACE_PX = 24
PIECE = 250
"""As many pictures are kept at once: half a minute to a minute of one processor."""


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """Of N faces: file, what was done to the picture (empty: nothing), and (N, 128) unit vectors for both uses."""

    paths: NDArray[np.str_]
    kinds: NDArray[np.str_]
    query: FloatArray
    enrol: FloatArray

    def take(self, rows: NDArray[np.generic]) -> Features:
        """Those at ``rows``."""
        return Features(self.paths[rows], self.kinds[rows], self.query[rows], self.enrol[rows])


def people_names(features: Features) -> list[str]:
    """Name of the person of each LFW file, which lies in a folder of that name."""
    return [path.split("/")[-2] for path in features.paths.tolist()]


def people(features: Features) -> NDArray[np.int64]:
    """Number of the person of each LFW file."""
    return np.asarray(np.unique(people_names(features), return_inverse=True)[1], np.int64)


def file_names(features: Features) -> list[str]:
    """Name of each UTKFace file, without its folder."""
    return [Path(path).name for path in features.paths.tolist()]


def digest_of_fitted() -> str:
    """Of the names of the people of LFW and the files of UTKFace that things are fitted on."""
    return digest([folder.name for folder in LFW.iterdir()] + [file.name for file in UTKFACE.glob("*.jpg")])


def digest_of_shipped() -> str:
    """Of the names that the mixture which ships was fitted on; scripts/fit_lookalikes.py writes it there."""
    with np.load(MIXTURE, allow_pickle=False) as kept:
        return str(kept[FITTED_ON]) if FITTED_ON in kept else ""


def central(found: FacesFound) -> int:
    """LFW centres the person meant: the face whose area minus squared distance from the middle is greatest."""
    size = found.size

    def worth(i: int) -> float:
        box = found.faces[i].box_px
        dx, dy = (box.x1 + box.x2 - size.width) / 2, (box.y1 + box.y2 - size.height) / 2
        return box.area - 2 * (dx * dx + dy * dy)

    return max(range(len(found.faces)), key=worth)


def _asked(engine: FacePipeline, image: Image, meant: DetectedFace) -> DetectedFace:
    """The face as a search finds it, which looks for the largest only; another person's is not what LFW asks for."""
    found = engine.detect(_SLOT, image, at_most=1).faces
    if not found:
        return meant
    a, b = (face.box_px.to_ratio(image.size) for face in (found[0], meant))
    return found[0] if overlap(a, b) > 0.5 else meant


@functools.cache
def open_engine() -> FacePipeline:
    """The product's engine, on one thread."""
    return open_face_engine(ModelStore(default_root(os.environ)), Device.CPU, threads=1)


def _kept(name: str, compute: Callable[[], dict[str, NDArray[np.generic]]]) -> dict[str, NDArray[np.generic]]:
    """Arrays of an earlier run from build/, else computed; --fresh ignores what is there."""
    cache = ROOT / "build" / f"{name}.npz"
    if cache.exists() and "--fresh" not in sys.argv:
        return dict(np.load(cache))
    made = compute()
    cache.parent.mkdir(exist_ok=True)
    np.savez(cache, **made)
    return made


def _features(name: str, pictures: Sequence[tuple[Path, str]], alter: Callable[[Image, str], Image]) -> Features:
    """Of ``pictures``, in pieces that are kept as they are made: a run that is stopped goes on where it was."""
    made = [
        _kept(f"features_{name}_{start:05}", functools.partial(_piece, pictures[start : start + PIECE], alter))
        for start in range(0, len(pictures), PIECE)
    ]
    return Features(*(np.concatenate([piece[key] for piece in made]) for key in ("paths", "kinds", "query", "enrol")))


def _piece(
    pictures: Sequence[tuple[Path, str]], alter: Callable[[Image, str], Image]
) -> dict[str, NDArray[np.generic]]:
    engine = open_engine()
    rows: dict[str, list[object]] = {key: [] for key in ("paths", "kinds", "query", "enrol")}
    for path, kind in pictures:
        image = alter(decode(path.read_bytes()), kind)
        found = engine.detect(_SLOT, image)
        if found.faces:
            face, embedder = found.faces[central(found)], engine.steps.embedder
            seen = {VectorUse.ENROL: face, VectorUse.QUERY: _asked(engine, image, face)}
            said = {use.value: embedder.features(image.rgb, [one], use)[0] for use, one in seen.items()}
            for key, value in {"paths": str(path), "kinds": kind, **said}.items():
                rows[key].append(value)
    return {key: np.array(values) for key, values in rows.items()}


def lfw() -> Features:
    """All photos of View 2; a file without a face is left out (there is none)."""
    return _features("lfw", [(file, "") for file in sorted(LFW.glob("*/*.jpg"))], lambda image, _: image)


def utkface() -> Features:
    """All pictures in which a face is found."""
    return _features("utkface", [(file, "") for file in sorted(UTKFACE.glob("*.jpg"))], lambda image, _: image)


def hard() -> Features:
    """One photo each of the 1,500 first people of LFW who have another: small, dark, and masked."""
    firsts = [photos[0] for folder in sorted(LFW.iterdir()) if len(photos := sorted(folder.glob("*.jpg"))) > 1]
    pictures = [(file, kind) for file in firsts[:1500] for kind in ("small", "dark", "masked")]
    return _features("hard", pictures, lambda image, kind: _altered(open_engine(), image, kind))


def lit_hard(names: Sequence[str]) -> Features:
    """Two photos each of the people ``names`` of LFW, one in a hard light from a side, one in one from above."""
    pictures = [
        (photo, kind)
        for name in names
        for photo, kind in zip(sorted((LFW / name).glob("*.jpg"))[:2], ("side", "above"), strict=True)
    ]
    return _features("lit", pictures, lambda image, kind: _altered(open_engine(), image, kind))


def _altered(engine: FacePipeline, image: Image, kind: str) -> Image:
    rgb = image.rgb
    if kind in ("side", "above"):
        random = np.random.default_rng(rgb.size + int(rgb[::7, ::7].sum()))
        found = len(engine.steps.finder.detector.detect(rgb).scores)
        return lit(image, normals_of(engine, image), any_light(kind, random)) if found else image
    if kind == "dark":
        noise = np.random.default_rng(len(image.rgb.tobytes()) % 997).normal(0, 5, rgb.shape)
        return Image(np.clip(rgb * 0.18 + noise, 0, 255).astype(np.uint8), b"")
    found = engine.steps.finder.detector.detect(rgb)
    if not len(found.scores):
        return image
    box = found.boxes[0]
    if kind == "small":
        factor = SMALL_FACE_PX / float(box[3] - box[1])
        size = (max(1, round(rgb.shape[1] * factor)), max(1, round(rgb.shape[0] * factor)))
        return Image(np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8), b"")
    vertices = engine.steps.finder.mesh.read(rgb, [found.points[0]])[0].vertices_px
    colour = (225, 230, 235) if int(box[0]) % 2 else (90, 140, 190)
    covered = cv2.fillPoly(rgb.copy(), [vertices[list(_MASK), :2].astype(np.int32)], colour)
    return Image(np.asarray(covered, np.uint8), b"")


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """UTKFace: features, age in years, whether male, race (0 white, 1 black, 2 Asian, 3 Indian, 4 other), person."""

    features: Features
    years: NDArray[np.int64]
    male: NDArray[np.bool_]
    race: NDArray[np.int64]
    person: NDArray[np.int64]


def labelled() -> Labelled:
    """UTKFace with the labels of its file names, and whom the networks hold for one person."""
    found = utkface()
    labels = np.array([[int(part) for part in Path(p).name.split("_")[:3]] for p in found.paths.tolist()])
    years, gender, race = labels.T
    return Labelled(found, years, gender == 0, race, _persons(found, years))


def _persons(found: Features, years: NDArray[np.int64]) -> NDArray[np.int64]:
    """Numbers of persons: linked are near-equal pictures, and faces that three networks call the same.

    Of children the networks say little, so only what is nearly one picture counts.
    """
    other = _other_networks(found.paths.tolist())
    alike = {name: rows @ rows.T for name, rows in {"sface": found.enrol, **other}.items()}
    child = (years[:, None] < 13) | (years[None] < 13)
    adults = (alike["sface"] > 0.5) & (alike["dlib"] > 0.95) & (alike["faceres"] > 0.65)
    children = (alike["sface"] > 0.8) & (alike["dlib"] > 0.97)
    same = (alike["thumb"] > 0.97) | np.where(child, children, adults)
    return np.asarray(connected_components(csr_matrix(same), directed=False)[1], np.int64)


def _other_networks(paths: Sequence[str]) -> dict[str, FloatArray]:
    """Unit rows of dlib's network, of faceres, and of grey thumbnails, for each UTKFace file."""
    made = [
        _kept(f"utkface_other_{start:05}", functools.partial(_others_of, paths[start : start + PIECE]))
        for start in range(0, len(paths), PIECE)
    ]
    return {name: np.concatenate([np.asarray(piece[name], np.float32) for piece in made]) for name in made[0]}


def _others_of(paths: Sequence[str]) -> dict[str, NDArray[np.generic]]:
    engine, store, cards = open_engine(), ModelStore(default_root(os.environ)), load_cards()
    dlib, faceres = (
        open_session(store.path(cards[name]), cards[name], Device.CPU) for name in ("dlib-resnet-v1", "faceres")
    )
    rows: dict[str, list[FloatArray]] = {"dlib": [], "faceres": [], "thumb": []}
    for path in paths:
        rgb = decode(Path(path).read_bytes()).rgb
        found = engine.detect(_SLOT, Image(rgb, b""))
        points = found.faces[central(found)].points_px
        tight = planes([chip(rgb, points, FIVE_SHAPE, ChipFrame(150))], mirrored=True)
        loose = planes([chip(rgb, points, FIVE_SHAPE, ChipFrame(224, 1.15))], mirrored=False)
        rows["dlib"].append(dlib.run({"rgb": tight})["embedding"].mean(axis=0))
        rows["faceres"].append(faceres.run({"rgb": loose}, ("embedding",))["embedding"][0])
        grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)[rgb.shape[0] // 8 :, rgb.shape[1] // 8 :]
        thumb = cv2.resize(grey, (16, 16), interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
        rows["thumb"].append(thumb - thumb.mean())
    return {name: unit(np.stack(values)) for name, values in rows.items()}


def main() -> None:
    """Make what is not there yet of the sets that the command line names; a run that is stopped loses one piece."""
    made = {"utkface": labelled, "lfw": lfw, "hard": hard}
    for name in sys.argv[1:] or made:
        if name in made:
            made[name]()
            print(f"{name}: made", flush=True)


if __name__ == "__main__":
    main()
