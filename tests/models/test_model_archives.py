"""Reading members: only the pinned bytes come out, whatever the archive holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from custodes.models.archives import ModelFileError, read_members
from custodes.models.card import FilePin
from tests.models.tiny_models import sha256, tarred, zipped

DATA = b"weights" * 100
PIN = FilePin("model/a.bin", sha256(DATA))


@pytest.mark.parametrize(
    ("name", "pack"), [("a.whl", zipped), ("a.zip", zipped), ("a.tgz", tarred), ("a.tar.gz", tarred)]
)
def test_a_pinned_member_is_read(tmp_path: Path, name: str, pack):
    path = tmp_path / name
    path.write_bytes(pack({"other": b"x", "model/a.bin": DATA, "../evil": b"y", "/abs": b"z"}))
    assert read_members(path, "m", [PIN]) == {"model/a.bin": DATA}
    assert [p.name for p in tmp_path.iterdir()] == [name]
    assert not (tmp_path.parent / "evil").exists()


@pytest.mark.parametrize(("name", "pack"), [("a.whl", zipped), ("a.tgz", tarred)])
def test_an_altered_or_missing_member_is_refused_by_name(tmp_path: Path, name: str, pack):
    path = tmp_path / name
    path.write_bytes(pack({"model/a.bin": DATA[:-1] + b"X"}))
    with pytest.raises(ModelFileError, match=r"mine: model/a\.bin .*not the pinned"):
        read_members(path, "mine", [PIN])
    path.write_bytes(pack({"model/b.bin": DATA}))
    with pytest.raises(ModelFileError, match=r"mine: .*no usable model/a\.bin"):
        read_members(path, "mine", [PIN])


@pytest.mark.parametrize(("name", "pack"), [("a.whl", zipped), ("a.tgz", tarred)])
@pytest.mark.parametrize("part", [0.0, 0.3, 0.9])
def test_a_cut_archive_is_refused_by_name(tmp_path: Path, name: str, pack, part: float):
    import random

    noise = random.Random(1).randbytes(5000)
    whole = pack({"model/a.bin": noise})
    path = tmp_path / name
    path.write_bytes(whole[: int(len(whole) * part)])
    with pytest.raises(ModelFileError, match=rf"mine: archive {name}|mine: .* {name}"):
        read_members(path, "mine", [FilePin("model/a.bin", sha256(noise))])


def test_links_are_not_followed(tmp_path: Path):
    secret = tmp_path / "secret"
    secret.write_bytes(DATA)
    path = tmp_path / "a.tgz"
    path.write_bytes(tarred({"model/a.bin": str(secret)}))
    with pytest.raises(ModelFileError, match="no usable"):
        read_members(path, "mine", [PIN])
