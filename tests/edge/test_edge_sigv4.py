"""SigV4: the published vectors in reverse, botocore's signer as a property, and every refusal."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st

from custodes.core.ids import AccountId
from custodes.edge.aws.canonical import SignedRequest, join_headers
from custodes.edge.aws.sigv4 import Scope, SignatureRefused, SigningKeys, claim, verify
from custodes.operations.requests.context import Caller, Principal
from custodes.operations.requests.ports import AccessKey

VECTORS = json.loads((Path(__file__).parent / "vectors" / "aws4_testsuite.json").read_text(encoding="utf-8"))
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
SCOPE = Scope("eu-central-1", "rekognition", frozenset({"eu-west-3"}))
INVALID, INCOMPLETE, UNKNOWN = (
    "InvalidSignatureException",
    "IncompleteSignatureException",
    "UnrecognizedClientException",
)


@dataclass
class OneKey:
    key: AccessKey

    def find(self, access_key_id: str, session_token: str | None = None) -> AccessKey | None:
        return self.key if access_key_id == self.key.access_key_id else None


def one_key(token: str | None = None, expires: int | None = None) -> OneKey:
    return OneKey(AccessKey("AKIDEXAMPLE", SECRET, AccountId("123456789012"), Principal("user/ann"), token, expires))


def check(
    request: SignedRequest, body: bytes, keys: OneKey, now_ms: int, scope: Scope = SCOPE
) -> Caller | SignatureRefused:
    claimed = claim(request, keys, now_ms, scope)
    if isinstance(claimed, SignatureRefused):
        return claimed
    return verify(request, hashlib.sha256(body).hexdigest(), claimed, scope, SigningKeys())


# --- vectors


def _wire(text: str, authz: str, token: str | None) -> tuple[SignedRequest, bytes]:
    head, _, body = text.partition("\n\n")
    first, *lines = head.encode("utf-8").split(b"\n")
    method, _, rest = first.partition(b" ")
    target = rest.rpartition(b" ")[0]
    path, _, query = target.partition(b"?")
    pairs = [(name, value) for name, _, value in (line.partition(b":") for line in lines)]
    pairs.append((b"Authorization", authz.encode()))
    if token is not None:
        pairs.append((b"X-Amz-Security-Token", token.encode()))
    return SignedRequest(method.decode(), path, query, join_headers(pairs)), body.encode()


IGNORED = {
    "get-header-value-multiline": "obsolete line folding; HTTP servers refuse it before we see it (RFC 9112, 5.2)",
}


@pytest.mark.parametrize("name", sorted(VECTORS))
def test_vector_is_accepted_and_its_neighbours_are_not(name: str) -> None:
    if name in IGNORED:
        pytest.skip(IGNORED[name])
    request, body = _wire(VECTORS[name]["req"], VECTORS[name]["authz"], VECTORS[name].get("token"))
    now_ms = int(datetime(2015, 8, 30, 12, 36, tzinfo=UTC).timestamp() * 1000)
    keys = one_key(request.headers.get("x-amz-security-token"))
    scope = Scope("us-east-1", "service")
    assert isinstance(check(request, body, keys, now_ms, scope), Caller)
    assert check(request, body + b"x", keys, now_ms, scope).code == INVALID
    assert check(replace(request, method="PUT"), body, keys, now_ms, scope).code == INVALID
    assert check(replace(request, path=request.path + b"a"), body, keys, now_ms, scope).code == INVALID
    assert check(replace(request, query=request.query + b"&a=b"), body, keys, now_ms, scope).code == INVALID


# --- botocore's signer


def sign(
    body: bytes = b"{}",
    headers: Sequence[tuple[str, str]] = (("X-Amz-Target", "RekognitionService.ListCollections"),),
    *,
    token: str | None = None,
    secret: str = SECRET,
    region: str = SCOPE.region,
    service: str = SCOPE.service,
) -> SignedRequest:
    """A request signed by botocore now, as it comes over the wire."""
    request = AWSRequest("POST", "http://127.0.0.1:8080/", data=body)
    for name, value in (("Host", "127.0.0.1:8080"), *headers):
        request.headers[name] = value
    SigV4Auth(Credentials("AKIDEXAMPLE", secret, token), service, region).add_auth(request)
    pairs = [(name.encode(), value.encode("latin-1")) for name, value in request.headers.items()]
    return SignedRequest("POST", b"/", b"", join_headers(pairs))


def signed_at_ms(request: SignedRequest) -> int:
    at = datetime.strptime(request.headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return int(at.timestamp() * 1000)


def refusal(
    request: SignedRequest, body: bytes = b"{}", keys: OneKey | None = None, shift_ms: int = 0
) -> SignatureRefused:
    result = check(request, body, keys or one_key(), signed_at_ms(request) + shift_ms)
    assert isinstance(result, SignatureRefused)
    return result


def with_headers(request: SignedRequest, **changes: str | None) -> SignedRequest:
    headers = dict(request.headers)
    for name, value in changes.items():
        if value is None:
            del headers[name.replace("_", "-")]
        else:
            headers[name.replace("_", "-")] = value
    return replace(request, headers=headers)


def with_authorization(request: SignedRequest, old: str, new: str) -> SignedRequest:
    changed = re.sub(old, new, request.headers["authorization"])
    assert changed != request.headers["authorization"]
    return with_headers(request, authorization=changed)


NAMES = st.from_regex(r"(x-amz-meta-|my-)[a-z0-9]{1,8}", fullmatch=True)
VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30)


@settings(max_examples=60, deadline=None)
@given(
    body=st.binary(max_size=200),
    headers=st.dictionaries(NAMES, VALUES, max_size=4),
    token=st.none() | st.from_regex(r"[A-Za-z0-9+/=]{1,80}", fullmatch=True),
    flip=st.integers(0, 10_000),
)
def test_what_botocore_signs_is_accepted_and_any_changed_byte_is_not(body, headers, token, flip) -> None:
    request = sign(body, tuple(headers.items()), token=token)
    keys = one_key(token)
    now_ms = signed_at_ms(request)
    caller = check(request, body, keys, now_ms)
    assert caller == Caller(
        AccountId("123456789012"),
        "AKIDEXAMPLE",
        "arn:aws:iam::123456789012:user/ann",
        "eu-central-1",
        principal=Principal("user/ann"),
    )
    if body:
        at = flip % len(body)
        changed = body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
        assert check(request, changed, keys, now_ms).code == INVALID
    signature_at = request.headers["authorization"].index("Signature=") + 10 + flip % 64
    text = request.headers["authorization"]
    other = "0" if text[signature_at] != "0" else "1"
    forged = with_headers(request, authorization=text[:signature_at] + other + text[signature_at + 1 :])
    assert check(forged, body, keys, now_ms).code == INVALID


def test_content_sha256_counts_when_it_is_there() -> None:
    digest = hashlib.sha256(b"{}").hexdigest()
    honest = sign(headers=(("X-Amz-Content-SHA256", digest),))
    assert isinstance(check(honest, b"{}", one_key(), signed_at_ms(honest)), Caller)
    for lie in ("UNSIGNED-PAYLOAD", digest[:-1] + "x", hashlib.sha256(b"other").hexdigest()):
        # Signed by an honest key, but not what came.
        result = refusal(sign(headers=(("X-Amz-Content-SHA256", lie),)))
        assert result.code == INVALID


# --- refusals


def test_no_authorization() -> None:
    request = sign()
    expected = SignatureRefused("MissingAuthenticationTokenException", "Missing Authentication Token")
    assert refusal(with_headers(request, authorization=None)) == expected
    assert refusal(with_headers(request, authorization="")) == expected


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (r"AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256", "AWS4-HMAC-SHA256"),
        (r"AWS4-HMAC-SHA256 .*", "Basic dXNlcjpwYXNz", "algorithm"),
        (r"Credential=[^,]*, ", "", "'Credential'"),
        (r"SignedHeaders=[^,]*, ", "", "'SignedHeaders'"),
        (r"SignedHeaders=[^,]*", "SignedHeaders=", "'SignedHeaders'"),
        (r", Signature=.*", "", "'Signature'"),
        (r"Signature=.*", "Signature=abc", "hex"),
        (r"Signature=(.*)", lambda found: found[0].upper().replace("SIGNATURE", "Signature"), "hex"),
        (r"Credential=", "Credential:", "equal-sign"),
        (r"(Credential=[^,]*)", r"\1, \1", "Duplicate"),
        (r"/aws4_request", "", "5 slash-delimited"),
        (r"AKIDEXAMPLE", "AKID/EXAMPLE", "5 slash-delimited"),
        (r"host;x-amz-date", "x-amz-date;host", "sorted"),
        (r"host;x-amz-date", "host;host;x-amz-date", "sorted"),
        (r"host;x-amz-date", "host;;x-amz-date", "sorted"),
    ],
)
def test_incomplete_authorization_names_the_part(old, new, words) -> None:
    result = refusal(with_authorization(sign(), old, new))
    assert result.code == INCOMPLETE
    assert words in result.message


@pytest.mark.parametrize(
    ("changes", "words"), [({"x_amz_date": None}, "'X-Amz-Date'"), ({"x_amz_date": "yesterday"}, "ISO-8601")]
)
def test_incomplete_date(changes, words) -> None:
    request = sign()
    result = check(with_headers(request, **changes), b"{}", one_key(), signed_at_ms(request))
    assert isinstance(result, SignatureRefused)
    assert result.code == INCOMPLETE
    assert words in result.message


def test_unknown_key_and_wrong_tokens_look_alike() -> None:
    expected = SignatureRefused(UNKNOWN, "The security token included in the request is invalid.")
    assert refusal(with_authorization(sign(), "AKIDEXAMPLE", "AKIDNOBODY")) == expected
    assert refusal(sign(token="surprise")) == expected
    assert refusal(sign(), keys=one_key("expected")) == expected
    assert refusal(sign(token="other"), keys=one_key("expected")) == expected


def test_expired_session() -> None:
    request = sign(token="t")
    at = signed_at_ms(request)
    assert isinstance(check(request, b"{}", one_key("t", at + 1), at), Caller)
    assert refusal(request, keys=one_key("t", at)) == SignatureRefused(
        "ExpiredTokenException", "The security token included in the request is expired"
    )


def test_wrong_secret_or_scope() -> None:
    assert refusal(sign(secret="x" * 40)).message.startswith("The request signature we calculated does not match")
    region = refusal(sign(region="us-east-1"))
    assert region.code == INVALID
    assert region.message == (
        "Credential should be scoped to a valid region; this server accepts eu-central-1, eu-west-3."
    )
    service = refusal(sign(service="s3"))
    assert "correct service: 'rekognition'" in service.message
    assert "aws4_request" in refusal(with_authorization(sign(), "aws4_request", "aws5_request")).message
    dated = refusal(with_authorization(sign(), r"AKIDEXAMPLE/\d{8}", "AKIDEXAMPLE/20200101"))
    assert dated.code == INVALID
    assert "does not match YYYYMMDD" in dated.message
    assert "yyyymmdd" in refusal(with_authorization(sign(), r"AKIDEXAMPLE/\d{8}", "AKIDEXAMPLE/today")).message


def test_clock_skew_is_five_minutes_both_ways() -> None:
    request = sign()
    at = signed_at_ms(request)
    for shift in (-300_000, 300_000):
        assert isinstance(check(request, b"{}", one_key(), at + shift), Caller)
    stamp = r"\d{8}T\d{6}Z"
    late = refusal(request, shift_ms=301_000)
    assert late.code == INVALID
    assert re.fullmatch(rf"Signature expired: {stamp} is now earlier than {stamp} \({stamp} - 5 min\.\)", late.message)
    early = refusal(request, shift_ms=-301_000)
    assert re.fullmatch(
        rf"Signature not yet current: {stamp} is still later than {stamp} \({stamp} \+ 5 min\.\)", early.message
    )


def test_headers_that_must_be_signed() -> None:
    request = sign()
    for name in ("host", "x-amz-date", "x-amz-target"):
        signed = re.search(r"SignedHeaders=([^,]*)", request.headers["authorization"])[1]
        fewer = ";".join(each for each in signed.split(";") if each != name)
        result = refusal(with_authorization(request, r"SignedHeaders=[^,]*", f"SignedHeaders={fewer}"))
        assert result.code == INVALID
        assert name in result.message.lower()
    added = refusal(with_headers(request, x_amz_surprise="1"))
    assert "'x-amz-surprise' must be a 'SignedHeader'" in added.message
    absent = refusal(with_authorization(request, "host;", "cookie;host;"))
    assert "'cookie'" in absent.message
    assert "not part of the request" in absent.message


def test_date_header_serves_without_x_amz_date() -> None:
    request = sign()
    moved = dict(request.headers)
    moved["date"] = datetime.fromtimestamp(signed_at_ms(request) / 1000, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    del moved["x-amz-date"]
    text = moved["authorization"].replace("host;x-amz-date;x-amz-target", "date;host;x-amz-target")
    unsigned = check(replace(request, headers=moved), b"{}", one_key(), signed_at_ms(request))
    assert unsigned.code == INVALID
    moved["authorization"] = text
    result = check(replace(request, headers=moved), b"{}", one_key(), signed_at_ms(request))
    # The time was understood; the signature is of other headers.
    assert result.message.startswith("The request signature we calculated")


ANY = st.text(st.characters(max_codepoint=255), max_size=80)


@settings(max_examples=300, deadline=None)
@given(authorization=ANY, date=ANY, extra=ANY)
def test_hostile_headers_get_a_refusal(authorization, date, extra) -> None:
    for text in (
        authorization,
        f"AWS4-HMAC-SHA256 {authorization}",
        f"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/{extra}/eu-central-1/rekognition/aws4_request, "
        f"SignedHeaders={authorization}, Signature={'0' * 64}",
    ):
        pairs = [(b"Host", b"h"), (b"X-Amz-Date", date.encode("latin-1")), (b"Authorization", text.encode("latin-1"))]
        request = SignedRequest("POST", b"/", b"", join_headers(pairs))
        assert isinstance(check(request, b"", one_key(), 1_700_000_000_000), SignatureRefused)


@pytest.mark.parametrize("date", ["Mon, 01 Jan 0001 00:00:00 +2359", "Fri, 31 Dec 9999 23:59:59 -2359", "1" * 16])
def test_dates_at_the_ends_of_time_get_a_refusal(date: str) -> None:
    request = sign()
    result = check(with_headers(request, x_amz_date=date), b"{}", one_key(), signed_at_ms(request))
    assert isinstance(result, SignatureRefused)


def test_memo_of_signing_keys_is_bounded_and_right() -> None:
    memo = SigningKeys(limit=2)
    first = memo.key("s", "20200101", SCOPE.region, SCOPE.service)
    assert memo.key("s", "20200101", SCOPE.region, SCOPE.service) is first
    others = {memo.key("s", f"2020010{day}", SCOPE.region, SCOPE.service) for day in range(2, 6)}
    assert len(others) == 4
    assert first not in others
    again = memo.key("s", "20200101", SCOPE.region, SCOPE.service)
    assert again == first
    assert again is not first


def test_a_key_hides_its_secret() -> None:
    assert SECRET not in repr(one_key().key)


# --- regions


def caller(request: SignedRequest, scope: Scope = SCOPE) -> Caller | SignatureRefused:
    return check(request, b"{}", one_key(), signed_at_ms(request), scope)


def test_a_signature_for_another_accepted_region_is_ours_and_arns_stay() -> None:
    here = caller(sign())
    assert isinstance(here, Caller)
    assert caller(sign(region="eu-west-3")) == here
    everywhere = Scope(SCOPE.region, SCOPE.service)
    for region in ("us-east-1", "us-gov-west-1", "ap-southeast-7", "eu-isoe-west-1", "cn-north-1"):
        assert caller(sign(region=region), everywhere) == here
    for region in ("mars", "us-east-1x", "US-EAST-1", "us-east-", ""):
        refused = caller(sign(region=region), everywhere)
        assert isinstance(refused, SignatureRefused)
        assert "any region of AWS" in refused.message


def test_a_signature_for_one_region_does_not_pass_as_one_for_another() -> None:
    moved = with_authorization(sign(region="eu-west-3"), "/eu-west-3/", "/eu-central-1/")
    assert refusal(moved).message.startswith("The request signature we calculated does not match")


# --- presigned


def presign(body: bytes = b"{}", *, expires_s: int = 900, token: str | None = None) -> SignedRequest:
    """A request presigned by botocore, as it comes over the wire."""
    request = AWSRequest("POST", "http://127.0.0.1:8080/")
    request.headers["Host"] = "127.0.0.1:8080"
    request.headers["X-Amz-Target"] = "RekognitionService.ListCollections"
    # botocore would move a body into the query; other SDKs sign its digest, as this header makes botocore do.
    request.headers["X-Amz-Content-SHA256"] = hashlib.sha256(body).hexdigest()
    auth = SigV4QueryAuth(Credentials("AKIDEXAMPLE", SECRET, token), SCOPE.service, SCOPE.region, expires=expires_s)
    auth.add_auth(request)
    pairs = [(name.encode(), value.encode("latin-1")) for name, value in request.headers.items()]
    return SignedRequest("POST", b"/", request.url.partition("?")[2].encode(), join_headers(pairs))


def presigned_at_ms(request: SignedRequest) -> int:
    date = re.search(rb"X-Amz-Date=(\d{8}T\d{6}Z)", request.query)
    assert date is not None
    return int(datetime.strptime(date[1].decode(), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp() * 1000)


def judged(
    request: SignedRequest, body: bytes = b"{}", keys: OneKey | None = None, shift_ms: int = 0
) -> Caller | SignatureRefused:
    return check(request, body, keys or one_key(), presigned_at_ms(request) + shift_ms)


@settings(max_examples=60, deadline=None)
@given(body=st.binary(max_size=50), expires_s=st.integers(1, 604_800), flip=st.integers(0, 10_000))
def test_what_botocore_presigns_is_accepted_and_any_changed_byte_is_not(body, expires_s, flip) -> None:
    request = presign(body, expires_s=expires_s)
    assert isinstance(judged(request, body), Caller)
    assert isinstance(judged(request, body + b"x"), SignatureRefused)
    at = flip % len(request.query)
    changed = request.query[:at] + bytes([request.query[at] ^ 1]) + request.query[at + 1 :]
    assert isinstance(
        check(replace(request, query=changed), body, one_key(), presigned_at_ms(request)), SignatureRefused
    )


def test_presigned_requests_expire_when_they_say() -> None:
    request = presign(expires_s=600)
    assert isinstance(judged(request, shift_ms=600_000), Caller)
    late = judged(request, shift_ms=601_000)
    assert isinstance(late, SignatureRefused)
    assert late.message.startswith("Signature expired")
    early = judged(request, shift_ms=-301_000)
    assert isinstance(early, SignatureRefused)
    assert early.message.startswith("Signature not yet current")


@pytest.mark.parametrize("expires", ["0", "604801", "-5", "x", "1e3", ""])
def test_presigned_requests_live_for_at_most_a_week(expires) -> None:
    request = presign()
    query = re.sub(rb"X-Amz-Expires=\d+", b"X-Amz-Expires=" + expires.encode(), request.query)
    assert judged(replace(request, query=query)).code == "IncompleteSignatureException"


def test_presigned_requests_carry_their_token_and_nothing_twice() -> None:
    request = presign(token="t/+=")
    assert isinstance(judged(request, keys=one_key("t/+=")), Caller)
    assert isinstance(judged(request), SignatureRefused)
    twice = replace(request, query=request.query + b"&X-Amz-Expires=604800")
    assert judged(twice, keys=one_key("t/+=")).code == "IncompleteSignatureException"
    both = with_headers(presign(), authorization="AWS4-HMAC-SHA256 Credential=a")
    assert judged(both).code == "IncompleteSignatureException"
