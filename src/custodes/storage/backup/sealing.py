"""A sealed stream: what a backup keeps of private files, and what an archive of faces is; its own key opens it.

In: bytes to write, one after the other. Out: the same bytes from a sealed file, or an error. Layout: magic (8 bytes),
then chunks of at most 1 MiB: length of the ciphertext (4 bytes, big end first), ciphertext with tag. AES-256-GCM under
the backup's key, which seals this one stream only; the nonce is the chunk's number, and the chunk that ends the stream
is marked in the associated data, so that nothing can be cut off, doubled or moved unnoticed.
Sources: NIST SP 800-38D; the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizar (2015).
"""

from __future__ import annotations

from typing import IO, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from custodes.core.errors import UnavailableError

KEY_BYTES = 32
_MAGIC = b"CUSTBKP\x01"
_CHUNK_BYTES = 1 << 20
_TAG_BYTES = 16
_MORE, _LAST = b"more", b"last"


class Sink(Protocol):
    """Where sealed bytes go."""

    def write(self, data: bytes, /) -> object:
        """Take ``data``."""
        ...


class SealedWriter:
    """Seals what is written; ``finish`` ends the stream."""

    def __init__(self, out: Sink, key: bytes, magic: bytes = _MAGIC) -> None:
        """Write ``magic`` and more to ``out`` under ``key`` (32 bytes), which must never have sealed another stream."""
        self._out, self._cipher = out, AESGCM(key)
        self._waiting = bytearray()
        self._number = 0
        out.write(magic)

    def write(self, data: bytes) -> int:
        """Take ``data``; returns its length."""
        self._waiting += data
        while len(self._waiting) > _CHUNK_BYTES:
            self._seal(bytes(self._waiting[:_CHUNK_BYTES]), _MORE)
            del self._waiting[:_CHUNK_BYTES]
        return len(data)

    def finish(self) -> None:
        """Write what is left and the mark of the end."""
        self._seal(bytes(self._waiting), _LAST)
        self._waiting.clear()

    def _seal(self, chunk: bytes, mark: bytes) -> None:
        sealed = self._cipher.encrypt(self._number.to_bytes(12, "big"), chunk, mark)
        self._out.write(len(sealed).to_bytes(4, "big") + sealed)
        self._number += 1


class SealedReader:
    """Opens what ``SealedWriter`` sealed. A file object for reading forwards."""

    def __init__(self, source: IO[bytes], key: bytes, magic: bytes = _MAGIC) -> None:
        """Read ``source``. Raises UnavailableError where it is no sealed stream."""
        self._source, self._cipher = source, AESGCM(key)
        self._plain = bytearray()
        self._number = 0
        self._ended = False
        if source.read(len(magic)) != magic:
            raise UnavailableError("the sealed stream does not begin as one")

    def read(self, length: int) -> bytes:
        """The next ``length`` bytes, fewer at the end. Raises UnavailableError for damage or another key."""
        while len(self._plain) < length and not self._ended:
            self._plain += self._open()
        taken = bytes(self._plain[:length])
        del self._plain[:length]
        return taken

    def _open(self) -> bytes:
        size = int.from_bytes(self._source.read(4), "big")
        if not _TAG_BYTES <= size <= _CHUNK_BYTES + _TAG_BYTES:
            raise UnavailableError("the sealed stream is cut short or damaged")
        sealed, nonce = self._source.read(size), self._number.to_bytes(12, "big")
        self._number += 1
        for mark in (_MORE, _LAST):
            try:
                plain = self._cipher.decrypt(nonce, sealed, mark)
            except InvalidTag:
                continue
            self._ended = mark is _LAST
            return plain
        raise UnavailableError("the sealed stream does not open: damaged, or another key")
