"""Session tokens are sealed under the master key, apart from everything else that is."""

from __future__ import annotations

from custodes.storage.files.seal import DamagedError, KeyBox, names_of

_NAMES = names_of("session-token")


class MasterSealer:
    """A Sealer over the master key."""

    def __init__(self, master: KeyBox) -> None:
        """Seal with ``master``."""
        self._master = master

    def seal(self, plain: bytes) -> bytes:
        """See Sealer."""
        return self._master.wrap(plain, _NAMES)

    def open(self, sealed: bytes) -> bytes | None:
        """See Sealer."""
        try:
            return self._master.unwrap(sealed, _NAMES)
        except DamagedError:
            return None
