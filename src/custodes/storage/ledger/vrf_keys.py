"""The VRF keys of a data directory: ``keys/ledger-vrf.key``, those of before beside it, and one that is to come.

In: the data directory; whether the log names the key to come. Out: secret keys, files moved durably. A key is never
overwritten: the earlier ones prove what was said under them. Implements ``VrfKeyStore``.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable
from pathlib import Path

from custodes.durable import move_durably, write_durably
from custodes.ledger.prover.maps.vrf import SecretKey, secret_key
from custodes.ledger.prover.maps.vrf_keys import VrfKeys, after
from custodes.ledger.tlog.trust import VRF, parse_policy
from custodes.ledger.writer.keys import load_or_create_secret, write_secret
from custodes.storage.ledger.open import LedgerPaths

NewestChange = Callable[[], tuple[int, bytes] | None]
"""Index of the newest ``vrf`` entry of the log and the key that it brings; None where there is none."""


class VrfKeyFiles:
    """The keys of one data directory; files are read when first asked for."""

    def __init__(self, paths: LedgerPaths, policy: Path, newest: NewestChange) -> None:
        """Keep keys by ``paths``, and name each new one in the trust policy in the file ``policy``."""
        self._paths = paths
        self._policy = policy
        self._newest = newest
        self._known: VrfKeys | None = None

    def keys(self) -> VrfKeys:
        """See VrfKeyStore. Raises NoteError or OSError where files cannot be used."""
        if self._known is None:
            earlier = tuple(_read(path) for path in self._paths.earlier_vrf_keys())
            if self._due() is not None:  # whoever writes this log is about to move the files
                replaced = (_read(self._paths.vrf_key),) if self._paths.vrf_key.exists() else ()
                return VrfKeys.of_log(_read(self._paths.next_vrf_key), (*earlier, *replaced))
            self._known = VrfKeys.of_log(_read(self._paths.vrf_key), earlier)
        return self._known

    def next(self) -> SecretKey:
        """See VrfKeyStore."""
        path = self._paths.next_vrf_key
        if not path.exists():
            write_secret(path, secrets.token_bytes(32).hex().encode() + b"\n")
        return after(self.keys().first, _read(path))

    def settle(self) -> None:
        """See VrfKeyStore. A settling that was cut short is finished by the next."""
        found = self._due()
        if found is None:
            return
        index, public = found
        _name_in_policy(self._policy, index, public)
        present = self._paths.vrf_key
        if present.exists():  # else it was moved already
            number = len(self._paths.earlier_vrf_keys()) + 1
            move_durably(present, present.with_name(f"ledger-vrf-{number:03d}.key"))
        move_durably(self._paths.next_vrf_key, present)
        self._known = None

    def _due(self) -> tuple[int, bytes] | None:
        """The change by which the key to come has come."""
        path = self._paths.next_vrf_key
        if not path.exists():
            return None
        found = self._newest()
        return found if found is not None and found[1] == _read(path).public else None


def _read(path: Path) -> SecretKey:
    return secret_key(load_or_create_secret(path))


def _name_in_policy(path: Path, index: int, public: bytes) -> None:
    """What else the operator wrote stays as it is; a policy that names no VRF keys goes on naming none."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    keys = parse_policy(text.encode()).vrf_keys if text else ()
    if keys and all(key.public != public for key in keys):
        line = f"{VRF} {base64.b64encode(public).decode()} {index}\n"
        write_durably(path, (text if text.endswith("\n") else text + "\n").encode() + line.encode(), 0o644)
