"""Compiles the scan of vectors where a C compiler is; without one the package is built all the same and uses faiss.

A hook of hatchling, run for wheels and editable installs. In: ``scan.c``. Out: ``scan.so`` beside it, which goes into
the wheel. ``CC`` names another compiler; set to nothing, none is used and the wheel is of pure Python. Alone:
``python packaging/build_scan.py`` does the same to the sources.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_FOLDER = Path("src/custodes/storage/vectors")
_COMPILERS = ("cc", "gcc", "clang")
# No -march: which instructions are used is decided where it runs. Stripped, the same compiler makes the same bytes.
_FLAGS = ("-O3", "-fno-math-errno", "-ffp-contract=off", "-shared", "-fPIC", "-fvisibility=hidden", "-s")


class ScanBuilder(BuildHookInterface):  # type: ignore[type-arg]
    """See the module."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and say that the wheel is for this kind of machine if that made something."""
        made = compile_scan(Path(self.root))
        if made is None or version == "editable":
            return
        from packaging.tags import sys_tags

        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{next(sys_tags()).platform}"
        build_data["force_include"][str(made)] = "custodes/storage/vectors/scan.so"


def compile_scan(root: Path) -> Path | None:
    """The library below ``root``, or None where no compiler is or it fails; an older one is gone then."""
    folder = root / _FOLDER
    made = folder / "scan.so"
    made.unlink(missing_ok=True)
    compiler = _compiler()
    if compiler is None:
        return None
    # Made under another name: a server that runs has the old file open.
    command = [compiler, *_FLAGS, "scan.c", "-o", "scan.so.new", "-lm"]
    answer = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if answer.returncode:
        print(f"searches will use faiss: {compiler} says {answer.stderr.strip()[:500]}", file=sys.stderr)
        return None
    (folder / "scan.so.new").replace(made)
    return made


def _compiler() -> str | None:
    named = os.environ.get("CC")
    if named is not None:
        return shutil.which(named) if named else None
    return next((found for name in _COMPILERS if (found := shutil.which(name))), None)


if __name__ == "__main__":
    print(compile_scan(Path(__file__).parents[1]) or "no compiler that works: searches use faiss")
