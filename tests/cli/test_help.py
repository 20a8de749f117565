"""The list of commands: complete, the same as the commands say of themselves, and without what makes start slow."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

import custodes.cli
from custodes.cli.main import COMMANDS, app

pytestmark = pytest.mark.slow

# Loaded by whatever computes, stores, serves or signs; hundreds of milliseconds together.
HEAVY = (
    "numpy",
    "PIL",
    "cv2",
    "onnx",
    "onnxruntime",
    "faiss",
    "sqlalchemy",
    "boto3",
    "botocore",
    "starlette",
    "uvicorn",
)
# What the mere list of commands has no use for, beside those.
NOT_LISTED = ("rich", "cryptography", "cedarpy", "structlog", "custodes.settings", "custodes.operations")


def loaded_by(code: str, names: tuple[str, ...]) -> str:
    told = f"import sys\n{code}\nprint(*(name for name in {names!r} if name in sys.modules))"
    return subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True).stdout.strip()


def complete(words: str, shell: str = "bash") -> list[str]:
    """What the shell is offered for the last word, which may be empty."""
    asked = words.split(" ")
    variables = {
        "_CUSTODES_COMPLETE": f"complete_{shell}", "COMP_WORDS": words, "COMP_CWORD": str(len(asked) - 1),
    }  # fmt: skip
    program = str(Path(sys.executable).parent / "custodes")
    done = subprocess.run(
        [program], env=os.environ | variables, capture_output=True, text=True, check=True, timeout=60
    )  # fmt: skip
    return done.stdout.split()


def test_the_list_of_commands_loads_no_heavy_module():
    code = "from typer.testing import CliRunner\nfrom custodes.cli.main import app\nCliRunner().invoke(app, ['--help'])"
    assert loaded_by(code, HEAVY + NOT_LISTED) == ""


def test_no_command_loads_a_heavy_module_before_it_runs():
    assert loaded_by("from custodes.cli.main import COMMANDS\nfor one in COMMANDS: one.load()", HEAVY) == ""


@pytest.mark.parametrize("entry", COMMANDS, ids=lambda entry: entry.name)
def test_the_list_says_of_a_command_what_it_says_of_itself(entry):
    assert entry.load().help.startswith(entry.help.removesuffix("."))
    assert entry.help in " ".join(CliRunner().invoke(app, ["--help"]).output.split())


def test_every_module_of_commands_is_in_the_table():
    """A module with a group of its own that nobody can call is a command that was forgotten."""
    folder = Path(custodes.cli.__file__).parent
    groups = {path for path in folder.rglob("*.py") if "\napp = typer.Typer(" in path.read_text(encoding="utf-8")}
    listed = {folder.parent.parent / (entry.place.partition(":")[0].replace(".", "/") + ".py") for entry in COMMANDS}
    inner = {folder / "policy/policy_officer.py", folder / "streams/destination.py", folder / "main.py"}
    assert groups - listed - inner == set()


def test_the_shell_completes_commands_groups_and_options():
    assert complete("custodes comp") == ["compare"]
    assert {"serve", "index", "account"} <= set(complete("custodes "))
    assert "create" in complete("custodes account cr")
    assert "--collection" in complete("custodes index --coll")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_completion_is_printed_for_each_shell(shell, monkeypatch):
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    program = str(Path(sys.executable).parent / "custodes")
    shown = subprocess.run([program, "--show-completion", shell], capture_output=True, text=True, check=True).stdout
    assert "_CUSTODES_COMPLETE" in shown


def test_the_words_of_the_script_for_powershell_complete(tmp_path):
    """No PowerShell is to be had here: what its script says to set and to run is set and run."""
    script = script_of("powershell", tmp_path).read_text()
    assert "Register-ArgumentCompleter -Native -CommandName custodes" in script
    named = re.findall(r'\$Env:(\w+) = (?:"(\w+)"|\$(?:commandAst|wordToComplete))', script)
    typed = {"_TYPER_COMPLETE_ARGS": "custodes compar", "_TYPER_COMPLETE_WORD_TO_COMPLETE": "compar"}
    asked = {name: word or typed[name] for name, word in named if name in typed or word}
    assert asked == {"_CUSTODES_COMPLETE": "complete_powershell", **typed}
    program = str(Path(sys.executable).parent / "custodes")
    shown = subprocess.run([program], env=with_program(tmp_path) | asked, capture_output=True, text=True, check=True)
    assert shown.stdout.startswith("compare:::")


def test_fish_completes_by_the_printed_script(tmp_path):
    """A real fish, told the script, is asked what it would offer."""
    fish = shutil.which("fish") or pytest.skip("fish is not installed: scripts/install-test-tools.sh")
    asked = f"source {script_of('fish', tmp_path)}; complete -C 'custodes comp'"
    shown = subprocess.run(
        [fish, "--no-config", "-c", asked], env=with_program(tmp_path), capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert "compare" in shown.stdout, shown.stderr
    assert shown.stderr == ""


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_a_shell_completes_by_the_printed_script_when_tab_is_pressed(shell, tmp_path):
    """A real shell on a terminal: the script is read, ``custodes compar`` and the tab key typed."""
    program = shutil.which(shell) or pytest.skip(f"{shell} is not installed: scripts/install-test-tools.sh")
    plain = {"bash": ["--norc", "--noprofile", "-i"], "zsh": ["-f", "-i"]}[shell]
    begin = "autoload -U compinit; compinit -D -u; " if shell == "zsh" else ""
    main, terminal = pty.openpty()
    child = subprocess.Popen(
        [program, *plain], stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True,
        env={**with_program(tmp_path), "TERM": "dumb", "PS1": "ready> "},
    )  # fmt: skip
    os.close(terminal)
    try:
        os.write(main, f"{begin}source {script_of(shell, tmp_path)}; echo so''urced\n".encode())
        assert "sourced" in shown_until(main, "sourced")
        os.write(main, b"custodes compar\t")
        assert "compare" in shown_until(main, "compare")
    finally:
        child.kill()
        child.wait()
        os.close(main)


def with_program(folder):
    """The environment in which ``custodes`` is this one, without anybody's own settings of a shell."""
    return {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(folder), "LANG": "C.UTF-8"}


def script_of(shell, folder):
    """The file with what ``custodes --show-completion`` prints for ``shell``."""
    variables = {**with_program(folder), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    program = str(Path(sys.executable).parent / "custodes")
    shown = subprocess.run(
        [program, "--show-completion", shell], env=variables, capture_output=True, text=True, check=True
    )
    (folder / f"completion.{shell}").write_text(shown.stdout)
    return folder / f"completion.{shell}"


def shown_until(terminal, text):
    """What the terminal shows until ``text`` stands there, or for half a minute."""
    seen, end = "", time.monotonic() + 30
    while text not in seen and time.monotonic() < end:
        if select.select([terminal], [], [], 0.5)[0]:
            seen += os.read(terminal, 4096).decode(errors="replace")
    return seen


def test_an_unknown_command_names_the_nearest():
    answer = CliRunner().invoke(app, ["serch"])
    assert answer.exit_code == 2
    assert "search" in answer.output
