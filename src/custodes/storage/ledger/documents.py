"""What readers of a log need beside its tiles: the trust policy to start from, and the public keys, present and past.

In: the name of a document. Out: its bytes, or None where there is none. Nothing else of the data directory is readable
through it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from custodes.storage.ledger.open import LedgerPaths

TRUST_POLICY = "trust.policy"


def public_documents(data: Path) -> Callable[[str], bytes | None]:
    """Gives the public documents of a data directory by name: ``trust.policy``, ``ledger.pub``, ``ledger-old.pub``."""
    paths = LedgerPaths(data)
    files: Mapping[str, Path] = {
        TRUST_POLICY: data / TRUST_POLICY,
        "ledger.pub": paths.verifier,
        "ledger-old.pub": paths.old_verifiers,
    }

    def get(name: str) -> bytes | None:
        path = files.get(name)
        return path.read_bytes() if path is not None and path.is_file() else None

    return get
