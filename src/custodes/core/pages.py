"""Opaque pagination tokens: where a listing goes on, signed and bound to the request it came from.

In: the scope of a listing (operation, account, filters) and the last key of a page. Out: a token of at most 255
characters, the API's limit, even for keys of 255 characters. It keeps no state and does not expire; it hides nothing,
it only stops a token from being made up or carried over to another account, operation or filter.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
from collections.abc import Sequence

from custodes.core.errors import PaginationTokenError

MAX_TOKEN_CHARS = 255
"""Longest NextToken that a client may send back. Source: shape PaginationToken of the service model."""

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_.-:"
_DIGIT = {char: value for value, char in enumerate(_ALPHABET, start=1)}
# 255 characters pack into 193 bytes; with 11 bytes of MAC that is 204, which base85 writes as exactly 255 characters.
_MAC_BYTES = 11


class PageTokens:
    """Issues and reads pagination tokens with one secret key."""

    def __init__(self, key: bytes) -> None:
        """Sign with ``key``: 32 random bytes, kept over restarts so that listings survive them."""
        self._key = key

    def issue(self, scope: Sequence[str], last: str | int) -> str:
        """Token that continues the listing ``scope`` after ``last`` (a row number, or an id of at most 255 characters).

        Raises:
            ValueError: ``last`` holds characters that no id of the API may have.
        """
        payload = _pack(str(last))
        signed = self._mac(scope, payload) + payload
        token = base64.urlsafe_b64encode(signed).rstrip(b"=").decode("ascii")
        return token if len(token) <= MAX_TOKEN_CHARS else base64.b85encode(signed).decode("ascii")

    def read(self, scope: Sequence[str], token: str) -> str:
        """The ``last`` of a token that was issued for exactly this ``scope``.

        Raises:
            PaginationTokenError: malformed, altered, or of another listing.
        """
        if 0 < len(token) <= MAX_TOKEN_CHARS and token.isascii():
            for signed in _decodings(token):
                mac, payload = signed[:_MAC_BYTES], signed[_MAC_BYTES:]
                if payload and hmac.compare_digest(mac, self._mac(scope, payload)):
                    last = _unpack(payload)
                    # Decoders take more than one spelling of the same bytes; only the one issued is ours.
                    if self.issue(scope, last) == token:
                        return last
        raise PaginationTokenError("Invalid Pagination Token")

    def read_row(self, scope: Sequence[str], token: str) -> int:
        """Like ``read``, for listings whose key is a row number.

        Raises:
            PaginationTokenError: as ``read``, or the key is not a number.
        """
        last = self.read(scope, token)
        if not last.isdecimal():
            raise PaginationTokenError("Invalid Pagination Token")
        return int(last)

    def _mac(self, scope: Sequence[str], payload: bytes) -> bytes:
        digest = hmac.new(self._key, digestmod=hashlib.sha256)
        for part in (*(text.encode() for text in scope), payload):
            digest.update(len(part).to_bytes(4, "big"))
            digest.update(part)
        return digest.digest()[:_MAC_BYTES]


def _decodings(token: str) -> list[bytes]:
    """What the token may stand for: short ones are base64url, long ones base85; the MAC tells which it was."""
    found = []
    with contextlib.suppress(ValueError):
        padded = token + "=" * (-len(token) % 4)
        found.append(base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True))
    with contextlib.suppress(ValueError):
        found.append(base64.b85decode(token))
    return found


def _pack(text: str) -> bytes:
    """Text of the 66 id characters as a number: bijective base 66, so that every text has exactly one number."""
    number = 0
    for char in text:
        if char not in _DIGIT:
            raise ValueError("a page key holds a character that ids cannot have")
        number = number * len(_ALPHABET) + _DIGIT[char]
    return number.to_bytes((number.bit_length() + 7) // 8 or 1, "big")


def _unpack(payload: bytes) -> str:
    number, chars = int.from_bytes(payload, "big"), []
    while number:
        number, digit = divmod(number - 1, len(_ALPHABET))
        chars.append(_ALPHABET[digit])
    return "".join(reversed(chars))
