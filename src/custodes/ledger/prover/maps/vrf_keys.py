"""The operator's VRF keys: the present one, and those of before, under which the past of a name is still shown.

In: secret keys. Out: the one that a public key belongs to. It keeps no files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from custodes.ledger.prover.maps.vrf import SecretKey
from custodes.ledger.verifier.maps.proof import MapError


@dataclass(frozen=True, slots=True)
class VrfKeys:
    """The present key, and those that it replaced, the first one first."""

    present: SecretKey
    earlier: tuple[SecretKey, ...] = ()

    @classmethod
    def of_log(cls, present: SecretKey, replaced: Sequence[SecretKey]) -> VrfKeys:
        """The keys of a log, each placing what the first one placed."""
        keys = [after(replaced[0], key) for key in (*replaced, present)] if replaced else [present]
        return cls(keys[-1], tuple(keys[:-1]))

    @property
    def first(self) -> SecretKey:
        """The first key of the log."""
        return self.earlier[0] if self.earlier else self.present

    def of(self, public: bytes) -> SecretKey:
        """The key with this public half. Raises MapError where it is not at hand."""
        for key in (self.present, *self.earlier):
            if key.public == public:
                return key
        raise MapError(
            "heads of a map in the log were made under a VRF key that is not in keys/ledger-vrf.key, nor in one of the "
            "files of earlier keys beside it; restore these files"
        )


def after(first: SecretKey, key: SecretKey) -> SecretKey:
    """``key`` as it holds in a log whose first key is ``first``."""
    return key if key.public == first.public else replace(key, first=first)


class VrfKeyStore(Protocol):
    """Where the keys are kept."""

    def keys(self) -> VrfKeys:
        """Those that hold by the log."""
        ...

    def next(self) -> SecretKey:
        """The key to come, kept durably before anything names it; the same one until it is taken into use."""
        ...

    def settle(self) -> None:
        """Take the key to come into use where the log says so; nothing happens where it does not."""
        ...
