"""``custodes models add``: what has to be said about a network is asked for before anything is read."""

from pathlib import Path

import pytest

from custodes.cli.models.own import NetworkKind
from custodes.models.offered import load_offered
from tests.fakes.command import custodes


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


def test_networks_that_are_known_by_name_come_pinned_with_their_licence() -> None:
    for name, network in load_offered().items():
        assert network.name == name and network.archive.kind == "https"
        assert NetworkKind(network.kind) is not NetworkKind.EMBEDDER or network.dimension
        assert network.provenance.licence.split("-")[0] in network.licence_text.replace("Apache License", "Apache")
        assert network.provenance.training_data


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("resnet",), "no network that is known by name: auraface, yunet"),
        (("yunet", "--licence", "MIT"), "is known by name: leave --licence out"),
        (("yunet", "--kind", "yunet", "--mean", "0"), "leave --kind, --mean out"),
        (("auraface", "--dimension", "512"), "leave --dimension out"),
        (("auraface", "--scale", "1", "--bgr"), "leave --scale, --bgr out"),
        (("auraface", "--licence-file", "net/LICENSE"), "leave --licence-file out"),
        (("net",), "needs --name, --licence, --origin, --training-data"),
    ],
)
def test_a_name_says_everything_and_a_file_nothing(folder, monkeypatch, words, told) -> None:
    monkeypatch.chdir(folder)
    done = custodes("models", "add", *words, "--people", "photos")
    assert done.returncode == 2 and told in " ".join(done.stderr.split())


def test_another_file_than_the_pinned_one_is_not_taken(folder, monkeypatch) -> None:
    monkeypatch.setenv("CUSTODES_MIRROR", str(folder))
    monkeypatch.setenv("CUSTODES_MODELS", str(folder / "models"))
    (folder / load_offered()["yunet"].archive.file).write_bytes(b"another network")
    done = custodes("models", "add", "yunet", "--people", str(folder / "photos"))
    assert done.returncode == 1 and "is not the pinned file" in " ".join(done.stderr.split())
