"""The verifier as one file: ``python verify.pyz verify STATEMENT --trust trust.policy``.

In: a path. Out: a zip archive there that holds this package's verifying modules, for any Python 3.11 with
``cryptography``. The same sources give the same bytes, so two people can compare what they built.
"""

from __future__ import annotations

import sys
import zipfile
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

# Everything that checks, and nothing that writes a log: a test runs what is packed alone.
FOLDERS = ("tlog", "verifier")
_TIME = (2026, 1, 1, 0, 0, 0)


def build(target: Path) -> None:
    """Write the verifier to ``target``.

    Raises:
        OSError: it cannot be written.
    """
    package = resources.files("custodes.ledger")
    files = {"__main__.py": b"import sys\n\nfrom custodes.ledger.__main__ import main\n\nsys.exit(main())\n"}
    files["custodes/__init__.py"] = b""
    for module in ("__init__.py", "__main__.py"):
        files[f"custodes/ledger/{module}"] = package.joinpath(module).read_bytes()
    for folder in FOLDERS:
        files |= _packed(package.joinpath(folder), f"custodes/ledger/{folder}")
    with target.open("wb") as out:
        out.write(b"#!/usr/bin/env python3\n")
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in sorted(files.items()):
                archive.writestr(zipfile.ZipInfo(name, _TIME), content, zipfile.ZIP_DEFLATED)
    target.chmod(0o755)


def _packed(folder: Traversable, path: str) -> dict[str, bytes]:
    """Sources and data of a package and those below it, by their paths in the archive."""
    files: dict[str, bytes] = {}
    for member in folder.iterdir():
        if member.is_dir() and member.name != "__pycache__":
            files |= _packed(member, f"{path}/{member.name}")
        elif member.name.endswith((".py", ".json")):
            files[f"{path}/{member.name}"] = member.read_bytes()
    return files


if __name__ == "__main__":
    build(Path(sys.argv[1]))
