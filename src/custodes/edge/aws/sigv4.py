"""Who signed a request: AWS Signature Version 4, in a header or in the query (presigned), verified.

In: a request without its body, the SHA-256 of the body, the known keys, the time and the scope we serve. Out: the
caller, or a ``SignatureRefused`` with the AWS code and message. Pure but for the memo of signing keys. It decides
nothing about permission.

It works in two steps so that a stranger is turned away before the body is read: ``claim`` looks at the headers
alone, ``verify`` at the signature.

Source: behaviour specification, section 4.1; AWS, "Signature Version 4 signing process".
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from threading import Lock
from urllib.parse import parse_qsl

from custodes.edge.aws.canonical import SignedRequest, canonical_request
from custodes.operations.requests.context import Caller
from custodes.operations.requests.ports import AccessKey, KeyLookup

ALGORITHM = "AWS4-HMAC-SHA256"
MAX_SKEW = timedelta(minutes=5)
MAX_EXPIRY = timedelta(days=7)

_TERMINATOR = "aws4_request"
_BASIC_FORMAT = "%Y%m%dT%H%M%SZ"
_INVALID = "InvalidSignatureException"
_INCOMPLETE = "IncompleteSignatureException"
_UNKNOWN_TOKEN = "The security token included in the request is invalid."  # noqa: S105 a message, no token
_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. Consult the service documentation for details."
)
_HEADER_NAME = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+")
_BASIC_TIME = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_SCOPE_DATE = re.compile(r"[0-9]{8}")
_SIGNATURE = re.compile(r"[0-9a-f]{64}")
# Names of regions in all partitions: us-east-1, eu-isoe-west-1, us-gov-west-1, ap-southeast-7, mx-central-1.
_REGION = re.compile(r"[a-z]{2,6}(-[a-z]{2,12}){1,3}-[0-9]{1,2}")
_PRESIGNED = b"X-Amz-Signature="


@dataclass(frozen=True, slots=True)
class Scope:
    """What a signature must be made for.

    Attributes:
        region: ours, that stands in ARNs; the same whichever region a client signed for.
        service: as AWS signs it.
        accepted: regions that clients may sign for beside ours; None for every region that AWS could have.
    """

    region: str
    service: str
    accepted: frozenset[str] | None = None

    def accepts(self, region: str) -> bool:
        """Whether a signature for ``region`` is one for us."""
        if region == self.region:
            return True
        return bool(_REGION.fullmatch(region)) if self.accepted is None else region in self.accepted


@dataclass(frozen=True, slots=True)
class SignatureRefused:
    """The request is not authentic; ``code`` and ``message`` go to the client."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Claim:
    """What the head says, checked as far as heads go: a known key, a fresh date, our scope.

    ``query`` is what of the query is signed: all but the signature itself.
    """

    key: AccessKey
    date: str
    region: str
    timestamp: str
    signed_headers: tuple[str, ...]
    signature: str
    query: bytes


@dataclass(frozen=True, slots=True)
class _Presented:
    """What a client presents, wherever it stands; nothing of it is checked but its form."""

    credential: tuple[str, ...]
    signed_headers: tuple[str, ...]
    signature: str
    timestamp: str
    token: str | None
    query: bytes
    valid_for: timedelta
    dated_by_header: bool


class SigningKeys:
    """Derived keys by day and scope, a bounded memo: four HMACs less for each request."""

    def __init__(self, limit: int = 1024) -> None:
        """Keep the ``limit`` most recently used."""
        self._limit = limit
        self._kept: OrderedDict[tuple[str, str, str, str], bytes] = OrderedDict()
        self._lock = Lock()

    def key(self, secret: str, date: str, region: str, service: str) -> bytes:
        """The key that signs for ``service`` in ``region`` on ``date`` (yyyymmdd)."""
        name = (secret, date, region, service)
        with self._lock:
            if name in self._kept:
                self._kept.move_to_end(name)
                return self._kept[name]
        derived = f"AWS4{secret}".encode()
        for part in (date, region, service, _TERMINATOR):
            derived = hmac.digest(derived, part.encode(), hashlib.sha256)
        with self._lock:
            self._kept[name] = derived
            while len(self._kept) > self._limit:
                self._kept.popitem(last=False)
        return derived


def claim(request: SignedRequest, keys: KeyLookup, now_ms: int, scope: Scope) -> Claim | SignatureRefused:
    """Check all that the head alone can tell."""
    presented = _from_query(request) if _PRESIGNED in request.query else _from_header(request)
    if isinstance(presented, SignatureRefused):
        return presented
    if len(presented.credential) != 5:
        return SignatureRefused(
            _INCOMPLETE,
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term",
        )
    key = _known_key(presented.credential[0], presented.token, keys, now_ms)
    if isinstance(key, SignatureRefused):
        return key
    _, date, region, _, _ = presented.credential
    refused = (
        _check_scope(presented.credential, scope)
        or _check_time(presented.timestamp, date, now_ms, presented.valid_for)
        or _check_signed_headers(presented, request.headers)
    )
    if refused:
        return refused
    moment = _moment(presented.timestamp)
    assert moment is not None
    timestamp = _basic(presented.timestamp, moment)
    return Claim(key, date, region, timestamp, presented.signed_headers, presented.signature, presented.query)


def verify(
    request: SignedRequest, body_sha256: str, claimed: Claim, scope: Scope, signing_keys: SigningKeys
) -> Caller | SignatureRefused:
    """Check the signature of a request whose headers passed ``claim``. ``body_sha256`` is lower-case hex."""
    declared = request.headers.get("x-amz-content-sha256")
    if declared is not None and not hmac.compare_digest(declared.encode("latin-1"), body_sha256.encode()):
        return SignatureRefused(
            _INVALID, "The provided 'x-amz-content-sha256' header does not match what was computed."
        )
    canonical = canonical_request(replace(request, query=claimed.query), claimed.signed_headers, body_sha256)
    to_sign = "\n".join(
        (
            ALGORITHM,
            claimed.timestamp,
            f"{claimed.date}/{claimed.region}/{scope.service}/{_TERMINATOR}",
            hashlib.sha256(canonical).hexdigest(),
        )
    )
    signing_key = signing_keys.key(claimed.key.secret, claimed.date, claimed.region, scope.service)
    expected = hmac.new(signing_key, to_sign.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, claimed.signature):
        return SignatureRefused(_INVALID, _MISMATCH)
    return claimed.key.caller(scope.region)


def _from_header(request: SignedRequest) -> _Presented | SignatureRefused:
    authorization = request.headers.get("authorization")
    if not authorization:
        return SignatureRefused("MissingAuthenticationTokenException", "Missing Authentication Token")
    fields = _fields(authorization)
    if isinstance(fields, SignatureRefused):
        return fields
    headers = request.headers
    return _Presented(
        tuple(fields["Credential"].split("/")),
        tuple(fields["SignedHeaders"].lower().split(";")),
        fields["Signature"],
        headers.get("x-amz-date") or headers.get("date", ""),
        headers.get("x-amz-security-token"),
        request.query,
        MAX_SKEW,
        dated_by_header=True,
    )


def _from_query(request: SignedRequest) -> _Presented | SignatureRefused:
    """A presigned request. Source: AWS, "Create a signed AWS API request", authentication by query string."""
    if "authorization" in request.headers:
        return SignatureRefused(_INCOMPLETE, "Only one of query string and Authorization header may authenticate.")
    pairs = parse_qsl(request.query.decode("latin-1"), keep_blank_values=True)
    fields = dict(pairs)
    if len(fields) != len(pairs):
        return SignatureRefused(_INCOMPLETE, "AWS query-string parameters must not be repeated.")
    names = ("X-Amz-Credential", "X-Amz-SignedHeaders", "X-Amz-Signature", "X-Amz-Date", "X-Amz-Expires")
    missing = [name for name in names if not fields.get(name)]
    if missing or fields.get("X-Amz-Algorithm") != ALGORITHM:
        wanted = ", ".join(missing or ["X-Amz-Algorithm"])
        return SignatureRefused(_INCOMPLETE, f"AWS query-string parameters must include {wanted}.")
    expires = fields["X-Amz-Expires"]
    seconds = int(expires) if expires.isascii() and expires.isdigit() and len(expires) < 8 else 0
    if not 0 < seconds <= MAX_EXPIRY.total_seconds() or not _SIGNATURE.fullmatch(fields["X-Amz-Signature"]):
        return SignatureRefused(_INCOMPLETE, "X-Amz-Expires is 1 to 604800, X-Amz-Signature 64 lower-case hex digits.")
    return _Presented(
        tuple(fields["X-Amz-Credential"].split("/")),
        tuple(fields["X-Amz-SignedHeaders"].lower().split(";")),
        fields["X-Amz-Signature"],
        fields["X-Amz-Date"],
        fields.get("X-Amz-Security-Token"),
        b"&".join(part for part in request.query.split(b"&") if not part.startswith(_PRESIGNED)),
        timedelta(seconds=seconds),
        dated_by_header=False,
    )


def _fields(authorization: str) -> Mapping[str, str] | SignatureRefused:
    """Credential, SignedHeaders and Signature of the header."""
    algorithm, _, rest = authorization.partition(" ")
    if algorithm != ALGORITHM:
        return SignatureRefused(
            _INCOMPLETE, f"Unsupported AWS 'algorithm': the Authorization header must use {ALGORITHM}."
        )
    fields: dict[str, str] = {}
    for part in rest.split(","):
        name, equals, value = part.strip().partition("=")
        if not equals:
            return SignatureRefused(
                _INCOMPLETE, "Not a valid key=value pair (missing equal-sign) in Authorization header."
            )
        if name in fields:
            return SignatureRefused(_INCOMPLETE, f"Duplicate '{name[:32]}' parameter in Authorization header.")
        fields[name] = value
    missing = [name for name in ("Credential", "SignedHeaders", "Signature") if not fields.get(name)]
    if missing:
        return SignatureRefused(
            _INCOMPLETE, " ".join(f"Authorization header requires '{name}' parameter." for name in missing)
        )
    if not _SIGNATURE.fullmatch(fields["Signature"]):
        return SignatureRefused(
            _INCOMPLETE, "'Signature' in the Authorization header must be 64 lower-case hex digits."
        )
    return fields


def _known_key(access_key_id: str, token: str | None, keys: KeyLookup, now_ms: int) -> AccessKey | SignatureRefused:
    key = keys.find(access_key_id, token)
    if key is None or (token is None) != (key.session_token is None):
        return SignatureRefused("UnrecognizedClientException", _UNKNOWN_TOKEN)
    if (
        token is not None
        and key.session_token is not None
        and not hmac.compare_digest(token.encode("latin-1"), key.session_token.encode("utf-8"))
    ):
        return SignatureRefused("UnrecognizedClientException", _UNKNOWN_TOKEN)
    if key.expires_ts_ms is not None and key.expires_ts_ms <= now_ms:
        return SignatureRefused("ExpiredTokenException", "The security token included in the request is expired")
    return key


def _check_scope(credential: tuple[str, ...], scope: Scope) -> SignatureRefused | None:
    _, date, region, service, terminator = credential
    problems = []
    if not _SCOPE_DATE.fullmatch(date):
        problems.append("Date in Credential scope must be yyyymmdd.")
    if not scope.accepts(region):
        known = "any region of AWS" if scope.accepted is None else ", ".join(sorted({scope.region, *scope.accepted}))
        problems.append(f"Credential should be scoped to a valid region; this server accepts {known}.")
    if service != scope.service:
        problems.append(f"Credential should be scoped to correct service: '{scope.service}'.")
    if terminator != _TERMINATOR:
        problems.append(f"Credential should be scoped with a valid terminator: '{_TERMINATOR}'.")
    return SignatureRefused(_INVALID, " ".join(problems)) if problems else None


def _check_time(timestamp: str, scope_date: str, now_ms: int, valid_for: timedelta) -> SignatureRefused | None:
    if not timestamp:
        return SignatureRefused(
            _INCOMPLETE, "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."
        )
    moment = _moment(timestamp)
    if moment is None:
        return SignatureRefused(_INCOMPLETE, "Date must be in ISO-8601 'basic format', such as 20180707T233021Z.")
    given = _basic(timestamp, moment)
    if given[:8] != scope_date:
        return SignatureRefused(
            _INVALID,
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
            f"'{scope_date}' != '{given[:8]}', from '{given}'.",
        )
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    if -MAX_SKEW <= now - moment <= valid_for:
        return None
    here, oldest, newest = (each.strftime(_BASIC_FORMAT) for each in (now, now - valid_for, now + MAX_SKEW))
    if moment < now:
        age = f"{valid_for // timedelta(minutes=1)} min." if valid_for >= MAX_SKEW else f"{valid_for.seconds} s"
        return SignatureRefused(_INVALID, f"Signature expired: {given} is now earlier than {oldest} ({here} - {age})")
    return SignatureRefused(
        _INVALID, f"Signature not yet current: {given} is still later than {newest} ({here} + 5 min.)"
    )


def _moment(timestamp: str) -> datetime | None:
    """Time of an ``X-Amz-Date`` (ISO basic) or ``Date`` (RFC 1123) header."""
    try:
        if _BASIC_TIME.fullmatch(timestamp):
            return datetime.fromisoformat(timestamp)
        moment = parsedate_to_datetime(timestamp)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _basic(timestamp: str, moment: datetime) -> str:
    """``moment``, which ``timestamp`` says, in the form that is signed."""
    return timestamp if _BASIC_TIME.fullmatch(timestamp) else moment.strftime(_BASIC_FORMAT)


def _check_signed_headers(presented: _Presented, headers: Mapping[str, str]) -> SignatureRefused | None:
    signed = presented.signed_headers
    if list(signed) != sorted(set(signed)) or not all(_HEADER_NAME.fullmatch(name) for name in signed):
        return SignatureRefused(_INCOMPLETE, "'SignedHeaders' must be a sorted list of header names.")
    absent = next((name for name in signed if name not in headers), None)
    if absent is not None:
        return SignatureRefused(_INVALID, f"'{absent[:64]}' is named in 'SignedHeaders' but not part of the request.")
    if "host" not in signed:
        return SignatureRefused(_INVALID, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
    needed = [name for name in headers if name.startswith("x-amz-")]
    if presented.dated_by_header and "x-amz-date" not in headers:
        needed.append("date")
    unsigned = next((name for name in needed if name not in signed), None)
    if unsigned is not None:
        return SignatureRefused(_INVALID, f"'{unsigned[:64]}' must be a 'SignedHeader' in the AWS Authorization.")
    return None
