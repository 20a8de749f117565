"""What checks of portraits are worth: faults drawn into photos have to be seen, and people treated alike.

In: photos of ../shared/data/lfw and utkface, and the fetched networks. Out: a section of BENCHMARKS.md. Photos of the
press are no portraits for documents, so it counts, of the photos that pass a check, how many fail it once the fault is
drawn into them, and how many another, harmless change makes fail. By group: how many of one group's photos, as they
are, pass the checks that skin, light and features of a face could sway. Groups are what labels of utkface say.
"""

from __future__ import annotations

import os
import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from custodes.core.device import Device
from custodes.core.ids import RequestId
from custodes.core.slot import Slot
from custodes.engine.equipment.assembly import open_portrait_engine
from custodes.engine.faces.assembly import open_face_engine
from custodes.engine.ports import PortraitEngine
from custodes.engine.results.portrait import Check
from custodes.engine.runtime.networks import Networks
from custodes.imaging.image import Image
from custodes.models.store import ModelStore, default_root
from report import ROOT, Section, table, write

COMMAND = ".venv/bin/python bench/portraits.py"
DATA = ROOT.parent / "shared" / "data"
PHOTOS, PER_GROUP, GROWN = 100, 150, 18
_SLOT = Slot(0, RequestId("bench"))
_GROUPS = {"0": "white", "1": "black", "2": "Asian", "3": "Indian", "4": "others"}
_SWAYED = (
    *("brightness_pct", "dynamic_range_levels", "overexposed_share", "underexposed_share", "even_light_ratio"),
    *("highlight_share", "skin_hue_deg", "red_eye_share", "eye_opening_ratio", "gaze_off_camera_deg"),
    *("occlusion_chance_pct", "mask_chance_pct"),
)

Rgb = NDArray[np.uint8]
Change = Callable[[Rgb], Rgb]


def _jpeg(rgb: Rgb, quality: int) -> Rgb:
    _, code = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.cvtColor(cv2.imdecode(code, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB), np.uint8)


def _scaled(rgb: Rgb, *gains: float) -> Rgb:
    return np.clip(rgb * np.array(gains, np.float32), 0, 255).astype(np.uint8)


def _noisy(rgb: Rgb, levels: float) -> Rgb:
    noise = np.random.default_rng(1).normal(0, levels, rgb.shape)
    return np.clip(rgb + noise, 0, 255).astype(np.uint8)


def _sidelong(rgb: Rgb, darkest: float) -> Rgb:
    across = np.linspace(darkest, 1.0, rgb.shape[1], dtype=np.float32)
    middle = np.clip((across - across.mean()) * 4 + across.mean(), darkest, 1.0)
    return np.asarray(rgb * middle[None, :, None], np.uint8)


def _framed(rgb: Rgb, share: float) -> Rgb:
    bar = round(share * rgb.shape[0])
    return np.asarray(cv2.copyMakeBorder(rgb, bar, bar, 0, 0, cv2.BORDER_CONSTANT, value=(255, 255, 255)), np.uint8)


def _turned(rgb: Rgb, degrees: float) -> Rgb:
    height, width = rgb.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    return np.asarray(cv2.warpAffine(rgb, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _blurred(rgb: Rgb, sigma_px: float) -> Rgb:
    return np.asarray(cv2.GaussianBlur(rgb, (0, 0), sigma_px), np.uint8)


def _grey(rgb: Rgb) -> Rgb:
    return np.asarray(cv2.cvtColor(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB), np.uint8)


_FAULTS: tuple[tuple[str, str, Change], ...] = (
    ("brightness_pct", "three quarters darker", lambda rgb: _scaled(rgb, 0.25)),
    ("dynamic_range_levels", "contrast a third", lambda rgb: np.asarray(rgb // 3 + 85, np.uint8)),
    ("overexposed_share", "twice as bright", lambda rgb: _scaled(rgb, 2.0)),
    ("even_light_ratio", "light from one side, 4 to 1", lambda rgb: _sidelong(rgb, 0.25)),
    ("colour_spread_levels", "grey", _grey),
    ("skin_hue_deg", "blue light", lambda rgb: _scaled(rgb, 0.6, 0.85, 1.3)),
    ("skin_hue_deg", "green light", lambda rgb: _scaled(rgb, 0.65, 1.1, 0.75)),
    ("sharpness_pct", "blurred, sigma 3 px", lambda rgb: _blurred(rgb, 3.0)),
    ("noise_levels", "noise of 8 levels", lambda rgb: _noisy(rgb, 8.0)),
    ("noise_levels", "noise of 16 levels", lambda rgb: _noisy(rgb, 16.0)),
    ("block_edge_ratio", "JPEG of quality 30", lambda rgb: _jpeg(rgb, 30)),
    ("block_edge_ratio", "JPEG of quality 15", lambda rgb: _jpeg(rgb, 15)),
    ("frame_share", "white bars of a tenth", lambda rgb: _jpeg(_framed(rgb, 0.1), 85)),
    ("roll_deg", "turned by 15 degrees", lambda rgb: _turned(rgb, 15.0)),
    ("shoulders_roll_deg", "turned by 20 degrees", lambda rgb: _turned(rgb, 20.0)),
)
_HARMLESS: tuple[tuple[str, str, Change], ...] = (
    ("brightness_pct", "a tenth darker", lambda rgb: _scaled(rgb, 0.9)),
    ("even_light_ratio", "light from one side, 5 to 4", lambda rgb: _sidelong(rgb, 0.8)),
    ("skin_hue_deg", "lamplight", lambda rgb: _scaled(rgb, 1.05, 1.0, 0.85)),
    ("noise_levels", "noise of 3 levels", lambda rgb: _noisy(rgb, 3.0)),
    ("block_edge_ratio", "JPEG of quality 75", lambda rgb: _jpeg(rgb, 75)),
    ("frame_share", "JPEG of quality 75", lambda rgb: _jpeg(rgb, 75)),
    ("shoulders_roll_deg", "turned by 3 degrees", lambda rgb: _turned(rgb, 3.0)),
)


def main() -> None:
    """Measure and write."""
    store = ModelStore(default_root(os.environ))
    engine = open_portrait_engine(Networks(store, Device.CPU, 1), open_face_engine(store, Device.CPU, threads=1))
    drawn = _drawn(engine)
    groups, counts = _by_group(engine)
    head = ("check", *(f"{name} ({counts[name]})" for name in groups))
    rows = [(check, *(f"{100 * groups[name][check]:.1f}" for name in groups)) for check in _SWAYED]
    text = (
        f"{PHOTOS} photos of LFW; of those that pass the check as they are, how many do not once changed.\n\n"
        + table(("check", "drawn", "pass as they are", "pass no more"), drawn)
        + "\n\nOf adults in utkface, photos as they are: percent that pass. Crops end at the chin and cut"
        " hair, so heads, shoulders and backgrounds are not in the table."
        " What differs may be faces, or the light in which photos of a group were taken.\n\n" + table(head, rows)
    )
    write(Section("portraits", "Checks of portraits", COMMAND, text))
    print(text)


def _drawn(engine: PortraitEngine) -> list[tuple[object, ...]]:
    photos = [_read(path) for path in _shuffled(DATA / "lfw" / "images")[:PHOTOS]]
    before = [_checks(engine, photo) for photo in photos]
    rows = []
    for faults, word in ((_FAULTS, ""), (_HARMLESS, " (harmless)")):
        for check, name, change in faults:
            passing = [photo for photo, found in zip(photos, before, strict=True) if found and found[check].passed]
            after = [_checks(engine, change(photo)) for photo in passing]
            failing = sum(not found or not found[check].passed for found in after)
            rows.append((check, name + word, len(passing), failing))
    return rows


def _by_group(engine: PortraitEngine) -> tuple[dict[str, dict[str, float]], dict[str, int]]:
    shares, counts = {}, {}
    for label, name in _GROUPS.items():
        passed: dict[str, list[bool]] = defaultdict(list)
        for path in _grown(label):
            # A crop that ends at the hair is looked at with some of its own edge around it.
            found = _checks(
                engine, np.asarray(np.pad(_read(path), ((40, 40), (40, 40), (0, 0)), mode="edge"), np.uint8)
            )
            for check in _SWAYED if found else ():
                passed[check].append(bool(found[check].passed))
        shares[name] = {check: float(np.mean(passed[check])) for check in _SWAYED}
        counts[name] = len(passed[_SWAYED[0]])
    return shares, counts


def _grown(label: str) -> Iterator[Path]:
    files = [path for path in _shuffled(DATA / "utkface") if _labels(path)[2:3] == [label]]
    yield from [path for path in files if int(_labels(path)[0]) >= GROWN][:PER_GROUP]


def _labels(path: Path) -> list[str]:
    """Age, gender, race and time."""
    found = path.name.split("_")
    return found if len(found) == 4 else ["0"]


def _shuffled(folder: Path) -> list[Path]:
    found = sorted(folder.rglob("*.jpg"))
    random.Random(5).shuffle(found)
    return found


def _read(path: Path) -> Rgb:
    return np.asarray(cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB), np.uint8)


def _checks(engine: PortraitEngine, rgb: Rgb) -> dict[str, Check]:
    """By name, of the largest face; nothing where none is seen."""
    found = engine.inspect(_SLOT, Image(np.ascontiguousarray(rgb), b""), 1)
    return {check.name: check for face in found.faces for check in face.checks}


if __name__ == "__main__":
    main()
