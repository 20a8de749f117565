"""ClientRequestToken: the same request sent twice is done once and answered twice.

In: a token, the inputs that must be the same, and the work. Out: the work's answer, or the answer kept from the first
time. Only success is kept: after an error the client may try again with the same token.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping

from custodes.core.clock import Clock
from custodes.core.errors import IdempotencyError
from custodes.core.ids import AccountId
from custodes.gallery.entities import IdempotentReply
from custodes.operations.collections.lock_striping import LockStriping
from custodes.operations.collections.ports import Gallery

Answer = Mapping[str, object]


class Replays:
    """Remembers answers by account, operation and token."""

    def __init__(self, gallery: Gallery, clock: Clock) -> None:
        """Keep answers in ``gallery``."""
        self._gallery = gallery
        self._clock = clock
        self._stripes = LockStriping()

    def once(
        self,
        account: AccountId,
        operation: str,
        token: str | None,
        inputs: Answer,
        work: Callable[[], Answer],
    ) -> Answer:
        """Do ``work`` unless it was done for this token; both ``inputs`` and the answer are plain JSON values.

        Raises:
            IdempotencyError: the token came with other inputs before.
        """
        if token is None:
            return work()
        digest = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).digest()
        with self._stripes.lock(account, operation, token):
            kept = self._gallery.reply(account, operation, token)
            if kept is not None:
                if kept.input_sha256 != digest:
                    raise IdempotencyError(f"The ClientRequestToken: {token} you have supplied is already in use.")
                return kept.answer
            answer = work()
            self._gallery.keep_reply(account, operation, token, IdempotentReply(digest, answer), self._clock.now_ms())
            return answer
