"""Questions and answers between servers that share collections, as sealed bytes.

In: questions, hits, refusals. Out: bytes, and back. Query vectors are biometric data: each message is sealed by
AES-256-GCM under a key of its own, derived from one that all servers share and a random salt, and bound to what it is
for: a question to the name of the server that is asked, an answer to the very question. So it is secret and genuine on
any network, and an answer to another question, or of another server, does not open. It sends nothing.

Layout of a message: salt (16) | ciphertext | tag (16). Source: NIST SP 800-38D (GCM); SP 800-108 (derivation, HMAC).
"""

from __future__ import annotations

import hashlib
import hmac
import json

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from custodes.core.errors import CustodesError, NotFoundError, NotReadyError, UnavailableError
from custodes.core.ids import AccountId, CollectionId
from custodes.gallery.entities import CollectionKey, Hit
from custodes.gallery.following import CollectionVersion
from custodes.gallery.shards.ports import ShardQuestion, VectorSearch
from custodes.storage.files.seal import Randomness, names_of

MOST_QUESTION_BYTES = 65_536
_SALT_BYTES, _HEAD_BYTES = 16, 4
_ONLY_NONCE = bytes(12)
"""A key seals exactly one message."""
_HITS, _MISSING, _NOT_READY, _UNAVAILABLE = range(4)
_REFUSALS: tuple[tuple[int, type[CustodesError]], ...] = (
    (_MISSING, NotFoundError),
    (_NOT_READY, NotReadyError),
    (_UNAVAILABLE, UnavailableError),
)


class MessageError(UnavailableError):
    """Bytes that are no message of a server with the same key, to this server, about this question."""


class ShardSeal:
    """Seals and opens."""

    def __init__(self, key: bytes, randomness: Randomness) -> None:
        """Use ``key`` (32 bytes), which all servers share."""
        self._key = key
        self._randomness = randomness

    def question(self, question: ShardQuestion, name: str) -> bytes:
        """To the server ``name``."""
        return self._seal(encoded_question(question), names_of("shard question", name))

    def opened_question(self, data: bytes, name: str) -> ShardQuestion:
        """Inverse of ``question``, at the server ``name``. Raises MessageError."""
        return decoded_question(self._open(data, names_of("shard question", name)))

    def answer(self, answer: tuple[Hit, ...] | CustodesError, asked: bytes) -> bytes:
        """To the sealed question ``asked``."""
        return self._seal(encoded_answer(answer), _answer_names(asked))

    def opened_answer(self, data: bytes, asked: bytes) -> tuple[Hit, ...]:
        """Inverse of ``answer``. Raises MessageError, or what the answer refuses with."""
        return decoded_answer(self._open(data, _answer_names(asked)))

    def _seal(self, plain: bytes, names: bytes) -> bytes:
        salt = self._randomness(_SALT_BYTES)
        return salt + AESGCM(self._derived(salt)).encrypt(_ONLY_NONCE, plain, names)

    def _open(self, data: bytes, names: bytes) -> bytes:
        try:
            return AESGCM(self._derived(data[:_SALT_BYTES])).decrypt(_ONLY_NONCE, data[_SALT_BYTES:], names)
        except (InvalidTag, ValueError) as error:
            raise MessageError("a message between servers does not open") from error

    def _derived(self, salt: bytes) -> bytes:
        return hmac.digest(self._key, b"\x00\x00\x00\x01custodes shard message\x00" + salt, hashlib.sha256)


def encoded_question(question: ShardQuestion) -> bytes:
    """Length of the head (4, big endian) | head, JSON | vector, float32 little endian."""
    version, sought = question.version, question.sought
    head = json.dumps(
        {
            "account": question.key.account_id,
            "collection": question.key.collection_id,
            "version": [version.row, version.changes, version.model, version.faces],
            "names": question.names,
            "width": question.width,
            "limit": sought.limit,
            "least": sought.min_cosine,
        }
    ).encode()
    return len(head).to_bytes(_HEAD_BYTES, "big") + head + np.ascontiguousarray(sought.vector, "<f4").tobytes()


def decoded_question(data: bytes) -> ShardQuestion:
    """Inverse of ``encoded_question``, of bytes that were opened."""
    length = int.from_bytes(data[:_HEAD_BYTES], "big")
    head, vector = json.loads(data[_HEAD_BYTES : _HEAD_BYTES + length]), data[_HEAD_BYTES + length :]
    return ShardQuestion(
        key=CollectionKey(AccountId(head["account"]), CollectionId(head["collection"])),
        version=CollectionVersion(*head["version"]),
        names=tuple(head["names"]),
        width=head["width"],
        sought=VectorSearch(np.frombuffer(vector, "<f4").astype(np.float32), head["limit"], head["least"]),
    )


def encoded_answer(answer: tuple[Hit, ...] | CustodesError) -> bytes:
    """Kind (1) | rows, int64, then scores, float32, little endian; or the text of a refusal."""
    if isinstance(answer, CustodesError):
        kind = next((kind for kind, refusal in _REFUSALS if isinstance(answer, refusal)), _UNAVAILABLE)
        return bytes([kind]) + answer.message.encode()
    rows = np.array([hit.row for hit in answer], "<i8")
    scores = np.array([hit.cosine for hit in answer], "<f4")
    return bytes([_HITS]) + rows.tobytes() + scores.tobytes()


def decoded_answer(data: bytes) -> tuple[Hit, ...]:
    """Inverse of ``encoded_answer``, of bytes that were opened. Raises what the answer refuses with."""
    if data[0] != _HITS:
        raise dict(_REFUSALS)[data[0]](data[1:].decode())
    count = (len(data) - 1) // 12
    rows, scores = np.frombuffer(data, "<i8", count, 1), np.frombuffer(data, "<f4", count, 1 + 8 * count)
    return tuple(Hit(row, cosine) for row, cosine in zip(rows.tolist(), scores.tolist(), strict=True))


def _answer_names(asked: bytes) -> bytes:
    return names_of("shard answer") + hashlib.sha256(asked).digest()
