"""The kernel itself refuses one system call of an append: strace injects the error, as Tessera's fault test does."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
_SPEC = importlib.util.spec_from_file_location("ledger_faults", HERE / "test_ledger_faults.py")
assert _SPEC is not None
assert _SPEC.loader is not None
faults = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(faults)


@pytest.fixture(scope="module")
def strace() -> str:
    path = shutil.which("strace")
    if path is None or subprocess.run([path, "-o", "/dev/null", "true"], check=False, capture_output=True).returncode:
        pytest.skip("needs strace, and the right to trace")
    return path


@pytest.mark.parametrize("error", ["EIO", "ENOSPC"])
@pytest.mark.parametrize(("call", "when"), [("fdatasync", 6), ("fsync", 30), ("rename", 12), ("pwrite64", 3)])
def test_one_refused_system_call(strace: str, tmp_path: Path, call: str, when: int, error: str) -> None:
    # A slow machine may not come as far as the chosen call within a second; then it gets more time.
    for attempt, seconds in enumerate(("1.0", "8.0")):
        data = tmp_path / str(attempt)
        data.mkdir()
        faults.grow(data, 3)
        done, injected = _victim(strace, data, f"inject={call}:error={error}:when={when}", seconds)
        if injected:
            break
    assert injected
    acks = faults.acknowledged(done.stdout.splitlines())
    if done.returncode == 0:
        assert acks
    faults.check(data, acks)


def _victim(strace: str, data: Path, inject: str, seconds: str) -> tuple[subprocess.CompletedProcess[str], bool]:
    """Append under load for ``seconds`` with the fault armed; also whether the fault was met."""
    call = inject.removeprefix("inject=").partition(":")[0]
    command = [sys.executable, str(faults.VICTIM), str(data), "none", "0", "none", "load", seconds]
    traced = [strace, "-f", "-o", str(data.with_suffix(".trace")), "-e", f"trace={call}", "-e", inject, *command]
    done = subprocess.run(traced, capture_output=True, text=True, timeout=60, check=False)
    return done, "(INJECTED)" in data.with_suffix(".trace").read_text()
