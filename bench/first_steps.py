"""How long a newcomer takes: from a clean clone, without any cache, to a face found and a statement that holds.

In: this repository's last commit; registries as this machine's pip and npm find them. Out: seconds by step, written to
BENCHMARKS.md. It leaves nothing else behind. Run on a quiet machine: python bench/first_steps.py
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import report

ROOT = Path(__file__).parents[1]
HELP_RUNS = 10


def run(command: list[str], folder: Path, environment: Mapping[str, str]) -> str:
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: {done.stderr[-1000:]}")
    return done.stdout


def timed(name: str, step: Callable[[], object], seconds: dict[str, float]) -> None:
    started = time.monotonic()
    step()
    seconds[name] = time.monotonic() - started
    print(name, f"{seconds[name]:.1f}", flush=True)


def first_steps(folder: Path) -> tuple[dict[str, float], list[float]]:
    """Seconds by step, and seconds of ``--help``."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CUSTODES_", "VIRTUAL_"))}
    environment = kept | {
        "PIP_NO_CACHE_DIR": "1", "XDG_CACHE_HOME": str(folder / "cache"), "npm_config_cache": str(folder / "npm"),
        "TMPDIR": str(folder),
    }  # fmt: skip
    clone, data = folder / "custodes", folder / "data"
    program = str(clone / ".venv" / "bin" / "custodes")
    photos = clone / "docs" / "photos"
    seconds: dict[str, float] = {}

    def custodes(*words: object) -> str:
        return run([program, *map(str, words), "--data", str(data)], clone, environment)

    timed("clone", lambda: run(["git", "clone", "--quiet", str(ROOT), str(clone)], folder, environment), seconds)
    timed("make env", lambda: run(["make", "env", f"PYTHON={sys.executable}"], clone, environment), seconds)
    timed("make models", lambda: run(["make", "models", f"PYTHON={sys.executable}"], clone, environment), seconds)
    server = subprocess.Popen(
        [program, "serve", "--port", "0", "--data", str(data)],
        cwd=clone, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        timed("server answers", lambda: _until_ready(server), seconds)
        (folder / "album").mkdir()
        (folder / "album" / "ann.jpg").write_bytes((photos / "ann.jpg").read_bytes())
        timed("index", lambda: custodes("index", folder / "album", "--collection", "people"), seconds)

        def search() -> None:
            found = json.loads(custodes("search", photos / "unknown.jpg", "--collection", "people", "--json"))
            if [match["name"] for match in found["matches"]] != ["ann"]:
                sys.exit(f"not found: {found}")

        timed("search", search, seconds)
        statement = folder / "statement.json"

        def prove() -> None:
            account = (data / "account").read_text().strip()
            custodes("statement", "create", "--account", account, "--out", statement)
            told = run(
                [program, "statement", "verify", str(statement), "--trust", str(data / "trust.policy")],
                clone, environment,
            )  # fmt: skip
            if not told.startswith("PRESENT"):
                sys.exit(told)

        timed("statement, verified", prove, seconds)
    finally:
        server.terminate()
        server.wait(30)
    return seconds, [_help_s(program, clone, environment) for _ in range(HELP_RUNS)]


def _help_s(program: str, folder: Path, environment: Mapping[str, str]) -> float:
    started = time.monotonic()
    run([program, "--help"], folder, environment)
    return time.monotonic() - started


def _until_ready(server: subprocess.Popen[str]) -> None:
    assert server.stdout is not None
    line = server.stdout.readline()
    if not re.match("Custodes serves http", line):
        sys.exit(f"the server did not start: {line}")


def section(seconds: Mapping[str, float], help_s: list[float], load: float) -> report.Section:
    """The figures as a section of BENCHMARKS.md."""
    rows: list[tuple[object, ...]] = [(step, f"{value:.1f}", "") for step, value in seconds.items()]
    rows.append(("all", f"**{sum(seconds.values()):.0f}**", "300"))
    ordered = sorted(help_s)
    rows.append(("`custodes --help`, median", f"**{ordered[len(ordered) // 2]:.2f}**", "0.25"))
    text = report.table(("step", "seconds", "target"), rows)
    text += (
        f"\n\nA clone of the last commit, without caches of pip, npm and networks. {len(help_s)} runs of `--help`, "
        f"{ordered[0]:.2f} to {ordered[-1]:.2f} s. Load of the machine when it began: {load:.1f}."
    )
    return report.Section("first_steps", "First steps", "python bench/first_steps.py", text)


if __name__ == "__main__":
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as place:
        made = section(*first_steps(Path(place)), before)
    print(made.text)
    report.write(made)
