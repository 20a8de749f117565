"""DetectText: words found in RapidOCR's own test pictures and in drawn scenes at all angles, beside RapidOCR itself.

Run: ``.venv/bin/python bench/text.py [--scenes N] [--fit] [--print]``. Test pictures are read from
``../shared/data/rapidocr-testfiles``, photos behind drawn words from ``../shared/data/coco-train``; what is missing is
left out and said. RapidOCR is installed once into an environment of its own below the user's cache folder; it uses the
same networks. ``--fit`` prints the constants of the confidence scale, fitted on scenes that no table is made from.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
import unicodedata
import venv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import PIL.Image

import report
from custodes.core.device import Device
from custodes.core.ids import RequestId
from custodes.core.slot import Slot
from custodes.engine.results.text import TextFound, TextWord
from custodes.engine.runtime.session import Threads, open_session
from custodes.engine.text.assembly import alphabet
from custodes.engine.text.detect import LineDetector
from custodes.engine.text.orient import Orienter
from custodes.engine.text.pipeline import TextPipeline, TextSteps
from custodes.engine.text.recognise import Recogniser
from custodes.imaging.image import Image, decode
from custodes.models.card import load_cards
from custodes.models.store import ModelStore
from custodes.settings import from_environment
from scenes import Placed, Scene, scene

DATA = report.ROOT.parent / "shared" / "data"
PEER = ("rapidocr==3.10.0", "onnxruntime")
ANGLES = (0, 15, -30, 45, 90, -90, 180)
# Seeds: tables are made from the first kind, the confidence scale from the second.
_SHOWN, _FITTED = 10_000, 50_000
_SAME_PLACE = 0.3
_RELIABILITY = ((0, 50), (50, 80), (80, 95), (95, 99), (99, 100.1))

# What the pictures show, read by eye. Latin words and numbers must be found as words; Chinese and Japanese, which have
# no spaces, within a line. Pictures in alphabets that the networks do not know are FOREIGN.
EXPECTED: Mapping[str, str] = {
    "en.jpg": "3 MovieShots Dataset To facilitate the shot type analysis in videos, we collect MovieShots, a "
    "large-scale shot type annotation set that contains 46K shots from 7858 movies. The details of this dataset are "
    "specified as follows.",
    "en_rec.jpg": "To facilitate the shot type analysis in videos, we collect MovieShots, a large-scale",
    "latin.jpg": "Alphabetum in mundo hodie frequentissime adhibitum est alphabetum Latinum.",
    "issue_170.png": "TEST",
    "return_word_debug.jpg": "027-88852022 027-88859022 TM 轻运动健身 24H专业健身",
    "check_return_word_len.jpeg": "DD DIDIJIAYUAN 滴滴家园 登记栏 抵押登记 解除抵押登记 "
    "使用性质:预约出租客运 使用性质:预约出租转非 2018-06-29 2019-01-09 2022-03-18 2022-04-06 统一社会信用代码 第3页",
    "ch_en_num.jpg": "正品促销 大桶装更划算 强力去污符合国标 -40℃深度防冻不结冰 直击 底价 10.0起 5.8 "
    "日常价 券后价 惊喜福利不容错过 极速发货 冰点标准 破损就赔 假一赔十",
    "japan.jpg": "【素敵な四季を探す旅】 春分 農村の学校で、伝統演劇の特別クラス 浙江省 "
    "週間時事用語(政府間覚書、マイクロドラマ、脳型知能など) 三星堆の文化財レプリカが大阪・関西万博で展示へ "
    "中国テイストのストリートダンスでダンスバトルを盛り上げる",
    "text_vertical_words.png": "有評是是非非之士師也 是非不得問之人要取之 已取之時不參一人見而",
    "test_letterbox_like.jpg": "取决于所使用的执行提供者 execution provider实现的 请打开verbose日志并查看控制台的输出",
    "test_without_det.jpg": "在中国作家协会第三届儿童文学",
    "text_rec.jpg": "韩国小馆",
    "text_cls.jpg": "怪我咯",
    "short.png": "中国网络空间安全",
    "img_exif_orientation.jpg": "我是中国人",
    "black_font_color_transparent.png": "我是中国人",
}
FOREIGN = ("arabic.png", "cyrillic.png", "devanagari.jpg", "devanagari_rec.png", "eslav.jpg", "korean.jpg", "ta.png")
FOREIGN += ("te.png", "th_rec.jpg", "empty_black.jpg")


class Timed:
    """A network that adds up the processor seconds of its runs."""

    seconds = 0.0

    def __init__(self, network: Any) -> None:
        self._network = network

    def run(self, feeds: Mapping[str, Any]) -> Any:
        start = time.process_time()
        answer = self._network.run(feeds)
        Timed.seconds += time.process_time() - start
        return answer


@dataclass(frozen=True, slots=True)
class Reader:
    """Our engine with timed networks, one thread."""

    engine: TextPipeline

    def read(self, image: Image) -> TextFound:
        return self.engine.read(Slot(0, RequestId("bench")), image)


def open_reader() -> Reader:
    """The product's engine, its networks wrapped."""
    cards, store = load_cards(), ModelStore(from_environment().models_folder)
    opened = {
        name: open_session(store.path(cards[name]), cards[name], Device.CPU, Threads())
        for name in ("ppocr-v6-det", "ppocr-cls", "ppocr-v6-rec")
    }
    detector, orienter, recogniser = (Timed(network) for network in opened.values())
    symbols = alphabet(opened["ppocr-v6-rec"].notes)
    return Reader(TextPipeline(TextSteps(LineDetector(detector), Orienter(orienter), Recogniser(recogniser, symbols))))


def plain(text: str) -> str:
    """Text without differences of width that no reader cares about."""
    return unicodedata.normalize("NFKC", text).replace("…", "...")


def found_share(expected: str, lines: Sequence[str]) -> tuple[int, int]:
    """How many of the expected items are found, and how many there are."""
    words = {word for line in lines for word in plain(line).split()}
    solid = [plain(line).replace(" ", "") for line in lines]
    items = plain(expected).split()
    hits = sum(item in words or (not item.isascii() and any(item in line for line in solid)) for item in items)
    return hits, len(items)


def peer_lines(paths: Sequence[Path]) -> tuple[list[list[tuple[str, float]]], float]:
    """Lines with scores that RapidOCR reads in each picture, and its processor seconds."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "custodes" / "bench" / "rapidocr-3.10.0"
    python, ready = folder / "bin" / "python", folder / "ready"
    if not ready.exists():
        print("installing rapidocr for the comparison (once)", flush=True)
        venv.create(folder, with_pip=True, clear=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *PEER], check=True)
        ready.touch()
    script = Path(__file__).parent / "workers" / "read_peer.py"
    given = json.dumps([str(path) for path in paths])
    answer = subprocess.run([str(python), str(script)], input=given, capture_output=True, text=True, check=True)
    facts = json.loads(answer.stdout.splitlines()[-1])
    return [[(text, score) for text, score in lines] for lines in facts["lines"]], facts["seconds"]


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Intersection over union of two convex quadrilaterals."""
    shared, _ = cv2.intersectConvexConvex(one.astype(np.float32), other.astype(np.float32))
    areas = [abs(cv2.contourArea(corners.astype(np.float32))) for corners in (one, other)]
    return shared / (sum(areas) - shared)


def matched(word: TextWord, truth: Sequence[Placed]) -> float | None:
    """The best overlap with a word of the same text in the same place; None without one."""
    corners = np.array(word.quad.points)
    shared = [overlap(corners, placed.corners) for placed in truth if placed.text == word.text]
    best = max(shared, default=0.0)
    return best if best >= _SAME_PLACE else None


def scenes(first: int, count: int, angle: int, grounds: Sequence[Path]) -> Iterator[Scene]:
    """Scenes of one angle, every other one on a photo."""
    for i in range(count):
        yield scene(first + 100 * (angle % 360) + i, angle, grounds if i % 2 else ())


def to_image(rgb: np.ndarray) -> Image:
    return Image(np.ascontiguousarray(rgb), sha256=b"")


def test_pictures(reader: Reader) -> str:
    """Items found in RapidOCR's test pictures by both, and what is read where nothing can be."""
    folder = DATA / "rapidocr-testfiles"
    if not folder.is_dir():
        return "RapidOCR's test pictures are not on this machine.\n"
    paths = [folder / name for name in EXPECTED]
    ours = [[line.text for line in reader.read(decode(path.read_bytes())).lines] for path in paths]
    theirs = [[text for text, score in lines] for lines in peer_lines(paths)[0]]
    rows: list[tuple[object, ...]] = []
    for label, chosen in (("Latin letters and digits", True), ("Chinese and Japanese", False)):
        items = ["".join(f"{item} " for item in text.split() if item.isascii() == chosen) for text in EXPECTED.values()]
        counts = [
            [found_share(item, lines) for item, lines in zip(items, side, strict=True)] for side in (ours, theirs)
        ]
        totals = [tuple(np.sum(side, axis=0)) for side in counts]
        rows.append((label, totals[0][1], *(f"{hits} ({100 * hits / total:.1f} %)" for hits, total in totals)))
    solid = ["".join(plain(line).replace(" ", "") for line in lines) for lines in ours]
    agreed = [plain(text).replace(" ", "") in mine for mine, lines in zip(solid, theirs, strict=True) for text in lines]
    foreign = [reader.read(decode((folder / name).read_bytes())) for name in FOREIGN]
    nonsense = sum(word.confidence_pct >= 80 for found in foreign for line in found.lines for word in line.words)
    return (
        f"Items (words; lines of Chinese and Japanese) found exactly in {len(paths)} of RapidOCR's test pictures:\n\n"
        + report.table(("items", "of", "ours", "RapidOCR 3.10.0"), rows)
        + f"\n\nOf {len(agreed)} lines that RapidOCR reads, we read {sum(agreed)} letter by letter the same. In "
        f"{len(FOREIGN)} pictures without any letter of the alphabet, {nonsense} words are told with a confidence of "
        "80 or more.\n"
    )


def drawn_pictures(reader: Reader, count: int, grounds: Sequence[Path]) -> str:
    """Word recall, precision and places by angle, ours and RapidOCR's; processor time of both."""
    rows, pairs, seconds, whole, inside = [], [], 0.0, 0.0, 0.0
    for angle in ANGLES:
        some = list(scenes(_SHOWN, count, angle, grounds))
        start, Timed.seconds = time.process_time(), 0.0
        found = [reader.read(to_image(one.rgb)) for one in some]
        whole += time.process_time() - start
        inside += Timed.seconds
        theirs, took = peer_on(some)
        seconds += took
        hits = reported = peer_hits = total = 0
        places: list[float] = []
        for one, ours, lines in zip(some, found, theirs, strict=True):
            words = [word for line in ours.lines for word in line.words]
            overlaps = [matched(word, one.words) for word in words]
            pairs += [(word.confidence_pct, overlap is not None) for word, overlap in zip(words, overlaps, strict=True)]
            places += [overlap for overlap in overlaps if overlap is not None]
            total, reported, hits = total + len(one.words), reported + len(words), len(places)
            peer_words = [word for text, _ in lines for word in text.split()]
            peer_hits += sum(min(peer_words.count(text), n) for text, n in _counts(one).items())
        rows.append(
            (
                f"{angle}°",
                total,
                _pct(hits, total),
                _pct(hits, reported),
                f"{np.mean(places):.2f}",
                _pct(peer_hits, total),
            )
        )
    pictures = count * len(ANGLES)
    return (
        f"Words drawn on photos and gradients ({pictures} pictures of 720 x 720, bench/scenes.py), found with every "
        "letter right. Ours must also lie in the right place (overlap 0.3 or more; the mean is shown).\n\n"
        + report.table(("turned by", "words", "recall", "precision", "overlap", "recall, RapidOCR 3.10.0"), rows)
        + f"\n\nProcessor time per picture, one thread: {whole / pictures:.2f} s, {whole / inside:.2f} times that of "
        f"the networks alone; RapidOCR {seconds / pictures:.2f} s.\n\n" + _reliability(pairs)
    )


def peer_on(some: Sequence[Scene]) -> tuple[list[list[tuple[str, float]]], float]:
    with tempfile.TemporaryDirectory() as name:
        paths = [Path(name) / f"{i}.png" for i in range(len(some))]
        for path, one in zip(paths, some, strict=True):
            PIL.Image.fromarray(one.rgb).save(path)
        return peer_lines(paths)


def _counts(one: Scene) -> dict[str, int]:
    texts = [word.text for word in one.words]
    return {text: texts.count(text) for text in texts}


def _pct(part: int, whole: int) -> str:
    return f"{100 * part / max(1, whole):.1f} %"


def _reliability(pairs: Sequence[tuple[float, bool]]) -> str:
    rows: list[tuple[object, ...]] = []
    for low, high in _RELIABILITY:
        some = [(reported, right) for reported, right in pairs if low <= reported < high]
        if some:
            right = 100 * float(np.mean([right for _, right in some]))
            mean = float(np.mean([reported for reported, _ in some]))
            rows.append((f"{low} to {min(high, 100):.0f}", len(some), f"{mean:.1f}", f"{right:.1f} %"))
    head = ("confidence", "words", "mean confidence", "right")
    return "How often words of a confidence were right:\n\n" + report.table(head, rows) + "\n"


def fit(reader: Reader, count: int, grounds: Sequence[Path]) -> None:
    """Print the logistic from the logit of the present confidence to the share of right words."""
    pairs: list[tuple[float, bool]] = []
    for angle in ANGLES:
        for one in scenes(_FITTED, count, angle, grounds):
            words = [word for line in reader.read(to_image(one.rgb)).lines for word in line.words]
            pairs += [(word.confidence_pct, matched(word, one.words) is not None) for word in words]
    value = np.clip(np.array([pct for pct, _ in pairs]) / 100, 1e-6, 1 - 1e-6)
    right = np.array([right for _, right in pairs], float)
    logit = np.log(value / (1 - value))
    slope, offset = 1.0, 0.0
    for _ in range(50):
        p = 1 / (1 + np.exp(-(slope * logit + offset)))
        weight = p * (1 - p) + 1e-9
        gradient = np.array([np.sum((right - p) * logit), np.sum(right - p)])
        hessian = np.array(
            [[np.sum(weight * logit**2), np.sum(weight * logit)], [np.sum(weight * logit), weight.sum()]]
        )
        slope, offset = np.array([slope, offset]) + np.linalg.solve(hessian, gradient)
    print(f"{len(pairs)} words, {right.mean():.3f} right: multiply the logit by {slope:.3f}, add {offset:.3f}")
    print(_reliability(pairs))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=int, default=24, help="pictures per angle")
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("--print", action="store_true", help="do not write BENCHMARKS.md")
    options = parser.parse_args()
    reader = open_reader()
    grounds = sorted((DATA / "coco-train").rglob("*.jpg"))
    if options.fit:
        fit(reader, options.scenes, grounds)
        return
    text = test_pictures(reader) + "\n" + drawn_pictures(reader, options.scenes, grounds)
    print(text)
    if not options.print:
        report.write(report.Section("text", "Text", ".venv/bin/python bench/text.py", text))


if __name__ == "__main__":
    main()
