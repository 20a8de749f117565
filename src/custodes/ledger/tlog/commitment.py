"""The salted commitment that binds a public entry to its private body.

In: salt and body. Out: the digest that stands in the entry, or the check of an opening. The salt keeps a short body
from being guessed; who destroys it destroys the link. Bodies are encrypted and kept by ``writer.body``.
"""

from __future__ import annotations

import hmac
from hashlib import sha256

SALT_BYTES = 16


class BodyError(Exception):
    """A body does not open to what was committed, or cannot be written."""


def commit(salt: bytes, body: bytes) -> bytes:
    """SHA-256 over salt and body."""
    return sha256(salt + body).digest()


def check_opening(commitment: bytes, salt: bytes, body: bytes) -> None:
    """Check that ``salt`` and ``body`` are what was committed.

    Raises:
        BodyError: they are not.
    """
    if len(salt) != SALT_BYTES or not hmac.compare_digest(commit(salt, body), commitment):
        raise BodyError("the body is not the one that was committed")
