"""The canonical form of an HTTP request, which a signature covers.

In: a request as it came over the wire. Out: the bytes whose SHA-256 is signed. It judges nothing.

Source: AWS Signature Version 4, "Create a signed AWS API request", step 1; behaviour specification, section 4.1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes

_UNRESERVED = "-_.~"


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """What of a request matters for its signature, without the body.

    Attributes:
        method: as sent.
        path: raw path bytes, without the query.
        query: raw query bytes, without the question mark.
        headers: lower-case name to value; values of repeated headers joined by commas in the order sent.
    """

    method: str
    path: bytes
    query: bytes
    headers: Mapping[str, str]


def join_headers(pairs: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers off the wire as ``SignedRequest`` wants them: names in lower case, inner runs of blanks collapsed."""
    joined: dict[str, str] = {}
    for raw_name, raw_value in pairs:
        name = raw_name.decode("latin-1").lower()
        # Split as bytes: as text, a non-breaking space of Latin-1 would count as blank.
        value = b" ".join(raw_value.split()).decode("latin-1")
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def canonical_request(request: SignedRequest, signed_headers: Sequence[str], body_sha256: str) -> bytes:
    """The canonical request with the headers named in ``signed_headers`` (sorted, all present in the request)."""
    # Latin-1 gives back the very bytes that came over the wire.
    headers = "".join(f"{name}:{request.headers[name]}\n" for name in signed_headers).encode("latin-1")
    return b"\n".join(
        (
            request.method.encode("latin-1"),
            _path(request.path),
            _query(request.query),
            headers,
            ";".join(signed_headers).encode("latin-1"),
            body_sha256.encode("ascii"),
        )
    )


def _path(path: bytes) -> bytes:
    """Dot segments and doubled slashes removed, then encoded (once more than on the wire: only S3 does not)."""
    kept: list[bytes] = []
    for segment in path.split(b"/"):
        if segment == b"..":
            del kept[-1:]
        elif segment not in (b"", b"."):
            kept.append(segment)
    normal = b"/" + b"/".join(kept)
    if kept and path.endswith(b"/"):
        normal += b"/"
    return quote(normal, safe="/" + _UNRESERVED).encode("ascii")


def _query(query: bytes) -> bytes:
    """Names and values encoded anew, sorted by name, then value."""
    pairs = []
    for part in query.split(b"&"):
        if part:
            name, _, value = part.partition(b"=")
            pairs.append((quote(unquote_to_bytes(name), _UNRESERVED), quote(unquote_to_bytes(value), _UNRESERVED)))
    return "&".join(f"{name}={value}" for name, value in sorted(pairs)).encode("ascii")
