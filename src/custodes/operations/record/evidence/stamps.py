"""Time stamps of the log by authorities that have nothing to do with the operator, once a day, kept as entries.

In: the published log, authorities with their addresses, a way to post. Out: ``tsa`` entries, one per authority and day;
an incident where an authority gave none. What is stamped is the checkpoint as the log signed it, without its
signatures. A token is kept when it is one over these bytes; who the authority is, readers check by roots that they pin.

Source: RFC 3161 over HTTP.
"""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha512
from urllib.parse import urlsplit

import rfc3161_client
import structlog

from custodes.core.clock import Clock
from custodes.ledger.tlog.entry import b64url, decode
from custodes.ledger.tlog.tiles import TILE_WIDTH
from custodes.ledger.writer.published import RunningLog
from custodes.operations.record.incidents.incidents import STAMP_MISSED, Incidents

DAY_MS = 86_400_000
MAX_TOKEN_BYTES = 12_000
_TIMEOUT_S = 20

PostQuery = Callable[[str, bytes], bytes]
"""Posts a query to an address and returns the answer. Raises OSError when there is none."""


@dataclass(frozen=True, slots=True)
class StampAuthority:
    """An authority: its name in entries, and where it answers."""

    name: str
    url: str


class DailyStamps:
    """Has one log stamped by each authority, once for every day of UTC."""

    def __init__(
        self,
        log: RunningLog,
        authorities: Iterable[StampAuthority],
        post: PostQuery,
        clock: Clock,
        incidents: Incidents,
    ) -> None:
        """Ask ``authorities`` by ``post``; say what is missed to ``incidents``."""
        self._log = log
        self._authorities = tuple(authorities)
        self._post = post
        self._clock = clock
        self._incidents = incidents
        self._days: dict[str, int] | None = None
        self._logger = structlog.get_logger("custodes.ledger")

    def run(self) -> None:
        """Have the newest state stamped by every authority that has not done so today.

        Raises:
            LedgerUnavailableError: the log takes no entries now.
        """
        today = self._clock.now_ms() // DAY_MS
        if self._days is None:
            self._days = dict.fromkeys(self._stamped_on(today), today)
        for authority in self._authorities:
            if self._days.get(authority.name, -1) < today:
                try:
                    self._stamp(authority)
                    self._days[authority.name] = today
                    self._incidents.passed(STAMP_MISSED, authority.name)
                except (OSError, ValueError) as error:
                    self._logger.warning("no time stamp", authority=authority.name, reason=str(error))
                    self._incidents.report(STAMP_MISSED, authority.name, str(error))

    def _stamp(self, authority: StampAuthority) -> None:
        checkpoint = self._log.flush()
        text = checkpoint.text().encode()
        query = rfc3161_client.TimestampRequestBuilder().data(text).nonce().cert_request(cert_request=True).build()
        answer = rfc3161_client.decode_timestamp_response(self._post(authority.url, query.as_bytes()))
        token, info = answer.time_stamp_token(), answer.tst_info
        if len(token) > MAX_TOKEN_BYTES:
            raise ValueError("the authority sent a token that is too long to keep")
        if info.nonce != query.nonce or info.message_imprint.message != sha512(text).digest():
            raise ValueError("the authority stamped something else")
        body = {"authority": authority.name, "token": b64url(token)}
        self._log.append("tsa", body=body, fields={"n": checkpoint.size, "x": authority.name}).wait()

    def _stamped_on(self, day: int) -> set[str]:
        """Authorities whose stamp of a day is in the log; it is read backwards as far as that day."""
        self._log.flush()
        tree, found = self._log.tree(), set[str]()
        for bundle in reversed(range(-(-tree.size // TILE_WIDTH))):
            entries = tree.bundle(bundle)
            stamps = (decode(envelope) for envelope in entries if b'"k":"tsa"' in envelope)
            found |= {str(entry.fields.get("x")) for entry in stamps if entry.t >= day * DAY_MS}
            if decode(entries[0]).t < day * DAY_MS:
                break
        return found


def http_query(url: str, query: bytes) -> bytes:
    """A ``PostQuery`` over HTTP or HTTPS that follows no redirects and reads at most 64 KiB."""
    parts = urlsplit(url)
    connection: http.client.HTTPConnection
    if parts.scheme == "https" and parts.hostname:
        context = ssl.create_default_context()
        connection = http.client.HTTPSConnection(parts.hostname, parts.port, timeout=_TIMEOUT_S, context=context)
    elif parts.scheme == "http" and parts.hostname:
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=_TIMEOUT_S)
    else:
        raise OSError("the address is neither http nor https")
    try:
        connection.request("POST", parts.path or "/", query, {"content-type": "application/timestamp-query"})
        answer = connection.getresponse()
        if answer.status != 200:
            raise OSError(f"status {answer.status}")
        return answer.read(1 << 16)
    except http.client.HTTPException as error:
        raise OSError(f"not an HTTP answer: {type(error).__name__}") from error
    finally:
        connection.close()
