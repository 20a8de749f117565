"""The servers that share collections, reached over HTTP; what they say is sealed, see ``shard_messages``.

In: who lives and where, a sealed key, questions. Out: answers of others, and sealed answers to theirs. Connections are
kept. Nothing is asked twice: whoever asked tries again.
"""

from __future__ import annotations

import http.client
import ssl
import threading
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from typing import Protocol
from urllib.parse import urlsplit

from custodes.core.errors import CustodesError, UnavailableError
from custodes.gallery.entities import Hit
from custodes.gallery.shards.ports import ShardQuestion
from custodes.storage.vectors.shard_messages import ShardSeal

PATH = "/nodes/shard"
_TIMEOUT_S = 10.0
_MOST_ANSWER_BYTES = 16 << 20
_KEPT = 32


class LivingServers(Protocol):
    """Who said lately that it lives."""

    def look(self) -> Mapping[str, str]:
        """URLs by name of all that live. Raises UnavailableError."""
        ...

    def beat(self) -> Mapping[str, str]:
        """Say that this server lives; URLs by name of all that do. Raises UnavailableError."""
        ...

    def leave(self) -> None:
        """This server ends. Raises UnavailableError."""
        ...


class HttpShardPeers:
    """Implements ShardPeers."""

    def __init__(self, name: str, living: LivingServers, seal: ShardSeal, timeout_s: float = _TIMEOUT_S) -> None:
        """This server is ``name``."""
        self._name = name
        self._living = living
        self._seal = seal
        self._timeout_s = timeout_s
        self._urls: Mapping[str, str] = {name: ""}
        self._ended = False
        self._lock = threading.Lock()
        self._free: dict[str, list[http.client.HTTPConnection]] = {}

    @property
    def name(self) -> str:
        """See ShardPeers."""
        return self._name

    def names(self) -> tuple[str, ...]:
        """See ShardPeers."""
        return tuple(sorted({*self._urls, self._name}))

    def look(self) -> None:
        """Look who lives, before this server answers anybody. Raises UnavailableError."""
        self._urls = self._living.look()

    def beat(self) -> None:
        """Say that this server lives, and look who does. Raises UnavailableError: the list stays as it was."""
        self._urls = self._living.beat()
        self._let_go(self._urls.values())

    def leave(self) -> None:
        """This server ends; others take over what it has."""
        with suppress(UnavailableError):
            self._living.leave()
        self._ended = True
        self._let_go(())

    def ask(self, name: str, question: ShardQuestion) -> tuple[Hit, ...]:
        """See ShardPeers."""
        url = self._urls.get(name)
        if url is None:
            raise UnavailableError(f"the server {name} is not there any more")
        asked = self._seal.question(question, name)
        return self._seal.opened_answer(self._sent(url, asked), asked)

    def answered(self, asked: bytes, answer: Callable[[ShardQuestion], tuple[Hit, ...]]) -> bytes:
        """The sealed answer to the sealed question of another server. Raises MessageError: it is of nobody we know."""
        question = self._seal.opened_question(asked, self._name)
        try:
            return self._seal.answer(answer(question), asked)
        except CustodesError as error:
            return self._seal.answer(error, asked)

    def _sent(self, url: str, data: bytes) -> bytes:
        for kept in (True, False):  # the other side may have closed a connection that was kept
            connection = self._connection(url, kept=kept)
            if connection is None:
                continue
            try:
                connection.request("POST", PATH, data, {"content-type": "application/octet-stream"})
                answer = connection.getresponse()
                body = answer.read(_MOST_ANSWER_BYTES)
            except TimeoutError as error:
                connection.close()
                raise UnavailableError("a server does not answer") from error
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                if kept:
                    continue
                raise UnavailableError("a server cannot be reached") from error
            self._keep(url, connection)
            if answer.status != http.client.OK:
                raise UnavailableError(f"a server refused a question: {answer.status}")
            return body
        raise UnavailableError("a server cannot be reached")

    def _connection(self, url: str, *, kept: bool) -> http.client.HTTPConnection | None:
        if kept:
            with self._lock:
                free = self._free.get(url)
                return free.pop() if free else None
        parts = urlsplit(url)
        if parts.hostname is None:
            raise UnavailableError("a server did not say where it is")
        if parts.scheme == "https":
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(parts.hostname, parts.port, timeout=self._timeout_s, context=context)
        return http.client.HTTPConnection(parts.hostname, parts.port, timeout=self._timeout_s)

    def _keep(self, url: str, connection: http.client.HTTPConnection) -> None:
        with self._lock:
            free = self._free.setdefault(url, [])
            if len(free) < _KEPT and not self._ended:
                free.append(connection)
                return
        connection.close()

    def _let_go(self, kept: Collection[str]) -> None:
        """Close connections to all URLs but these."""
        with self._lock:
            gone = [self._free.pop(url) for url in list(self._free) if url not in kept]
        for connections in gone:
            for connection in connections:
                connection.close()
