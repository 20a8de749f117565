"""The verifier as one file: ``python verify.pyz verify STATEMENT --trust trust.policy``.

In: a path. Out: a zip archive there that holds this package's verifying modules, for any Python 3.11 with
``cryptography``. The same sources give the same bytes, so two people can compare what they built.
"""

from __future__ import annotations

import sys
import zipfile
from importlib import resources
from pathlib import Path

# Everything that checks, and nothing that writes a log. A test compares this with what the entry point imports.
MODULES = (
    "__init__",
    "__main__",
    "billing_meter",
    "billing_prices",
    "billing_proof",
    "body",
    "checkpoint",
    "edwards",
    "entry",
    "erasure",
    "maps_head",
    "maps_proof",
    "merkle",
    "moratorium",
    "moratorium_verify",
    "note",
    "party_names",
    "policy_timeline",
    "ports",
    "statement",
    "statement_json",
    "statement_party",
    "statement_places",
    "statement_proof",
    "statement_text",
    "tiles",
    "trust",
    "verify",
    "vrf",
)
_TIME = (2026, 1, 1, 0, 0, 0)


def build(target: Path) -> None:
    """Write the verifier to ``target``.

    Raises:
        OSError: it cannot be written.
    """
    package = resources.files("custodes.ledger")
    files = {"__main__.py": b"import sys\n\nfrom custodes.ledger.__main__ import main\n\nsys.exit(main())\n"}
    files["custodes/__init__.py"] = b""
    for module in MODULES:
        files[f"custodes/ledger/{module}.py"] = package.joinpath(f"{module}.py").read_bytes()
    with target.open("wb") as out:
        out.write(b"#!/usr/bin/env python3\n")
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in sorted(files.items()):
                archive.writestr(zipfile.ZipInfo(name, _TIME), content, zipfile.ZIP_DEFLATED)
    target.chmod(0o755)


if __name__ == "__main__":
    build(Path(sys.argv[1]))
