"""Photos as they are sent: untouched while they fit, smaller and upright when they do not."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import PIL.Image

from custodes.cli.pictures import photo
from custodes.imaging.image import decode
from custodes.operations.images.sources import MAX_INLINE_BYTES


def test_small_photos_are_sent_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"any bytes")
    assert photo.read(path) == b"any bytes"


def test_large_photos_are_sent_smaller_and_upright(tmp_path: Path) -> None:
    noise = np.random.default_rng(7).integers(0, 255, (300, 400, 3), dtype=np.uint8)
    picture = PIL.Image.fromarray(noise).resize((4800, 3600), PIL.Image.Resampling.NEAREST)
    out = io.BytesIO()
    meta = PIL.Image.Exif()
    meta[0x0112] = 6
    picture.save(out, "JPEG", quality=95, exif=meta)
    assert len(out.getvalue()) > MAX_INLINE_BYTES
    path = tmp_path / "a.jpg"
    path.write_bytes(out.getvalue())
    sent = photo.read(path)
    assert len(sent) <= MAX_INLINE_BYTES
    size = decode(sent).size
    assert size.height > size.width
    assert abs(size.height / size.width - 4 / 3) < 0.01


def test_find_is_sorted_and_passes_over_hidden_files(tmp_path: Path) -> None:
    for name in ("b.JPG", "a.png", "c.webp", ".d.jpg", "e.gif", "f.txt"):
        (tmp_path / name).write_bytes(b"x")
    assert [path.name for path in photo.find(tmp_path)] == ["a.png", "b.JPG", "c.webp"]
