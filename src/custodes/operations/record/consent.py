"""Officers' signatures for single orders of the operator: for what nobody should do alone where officers are appointed.

In: an order with its members, signatures. Out: whose signatures hold and are enough, or why not. The officers are those
of the provider's rules as the ledger knows them. Where none is appointed nobody has to sign, and the record says that
nobody did.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from custodes.core.errors import InvalidParameterError


def order_message(log: str, operation: str, members: Mapping[str, object]) -> bytes:
    """What an officer signs: the name of the log, the order, and its members as canonical JSON."""
    told = json.dumps(members, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f"custodes officer order v1\n{log}\n{operation}\n{told}\n".encode()


@dataclass(frozen=True, slots=True)
class Consent:
    """The officers of one log."""

    log: str
    officers: Callable[[], Mapping[str, bytes]]
    """Public keys (Ed25519) by name; empty where nobody is appointed."""

    def check(
        self, operation: str, members: Mapping[str, object], signatures: Sequence[str], needed: int
    ) -> Mapping[str, str]:
        """The signatures by name, where they are enough: ``needed``, or all officers where there are fewer.

        Args:
            operation: the order.
            members: what is ordered; a signature holds for nothing else.
            signatures: ``name:hexadecimal`` each.
            needed: how many officers have to sign.

        Raises:
            InvalidParameterError: one does not hold, or they are too few.
        """
        officers, held = self.officers(), dict[str, str]()
        message = order_message(self.log, operation, members)
        for text in signatures:
            name, _, signature = text.partition(":")
            try:
                Ed25519PublicKey.from_public_bytes(officers[name]).verify(bytes.fromhex(signature), message)
            except (KeyError, ValueError, InvalidSignature):
                raise InvalidParameterError(f"this is no signature of an officer for this order: {name}") from None
            held[name] = signature
        enough = min(needed, len(officers))
        if len(held) < enough:
            who = "an officer has" if enough == 1 else f"{enough} officers have"
            raise InvalidParameterError(f"{who} to sign for this ({len(held)} did): see the command's --sign-with")
        return held
