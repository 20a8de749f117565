"""``custodes models add``: what has to be said about a network is asked for before anything is read."""

from pathlib import Path

import pytest

from fakes.command import custodes


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "a.onnx").write_bytes(b"x")
    (tmp_path / "net" / "LICENSE").write_text("text")
    (tmp_path / "photos").mkdir()
    return tmp_path


def add(folder: Path, *more: str, source: str = "net"):
    said = ("--name", "a", "--licence", "MIT", "--origin", "us", "--training-data", "none")
    return custodes("models", "add", str(folder / source), *said, "--people", str(folder / "photos"), *more)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ((), "needs --dimension"),
        (("--kind", "yunet", "--dimension", "128"), "leave --dimension out"),
        (("--kind", "centerface"), "centerface"),
    ],
)
def test_each_kind_says_what_it_needs(folder, more, words) -> None:
    done = add(folder, *more)
    assert done.returncode != 0 and words in done.stderr.replace("\n", " ")


def test_a_folder_has_one_network_and_one_licence(folder) -> None:
    (folder / "net" / "b.onnx").write_bytes(b"x")
    assert "2 ONNX files and 1 licences" in add(folder, "--kind", "yunet").stderr.replace("\n", " ")
    (folder / "net" / "b.onnx").unlink()
    (folder / "net" / "LICENSE").unlink()
    assert "1 ONNX files and 0 licences" in add(folder, "--kind", "yunet").stderr.replace("\n", " ")


def test_a_file_comes_with_its_licence(folder) -> None:
    assert "--licence-file LICENSE" in add(folder, source="net/a.onnx").stderr.replace("\n", " ")
