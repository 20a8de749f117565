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
    faults._grow(tmp_path, 3)
    inject = f"inject={call}:error={error}:when={when}"
    victim = [sys.executable, str(faults.VICTIM), str(tmp_path), "none", "0", "none", "load", "1.0"]
    done = subprocess.run(
        [strace, "-f", "-o", str(tmp_path / "trace"), "-e", f"trace={call}", "-e", inject, *victim],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "(INJECTED)" in (tmp_path / "trace").read_text()
    acks = faults._acks(done.stdout.splitlines())
    if done.returncode == 0:
        assert acks
    faults._check(tmp_path, acks)
