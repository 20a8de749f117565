"""The HTTP side of the edge, live: limits, slow and broken clients, errors, health, metrics, logs."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import structlog
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from custodes.core import errors as core
from custodes.edge.aws.errors import ApiError, api_error
from custodes.edge.endpoints.api import Limits
from custodes.edge.http.protocol import GuardedProtocol
from custodes.operations.requests.receipts import GateReceipt, Released, evidenced
from tests.fakes.waiting import eventually

REGION = "eu-central-1"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
JSON = "application/x-amz-json-1.1"


def list_nothing(*_: Any) -> dict[str, Any]:
    return {"CollectionIds": []}


def split(answer: bytes) -> tuple[int, dict[str, str], Any]:
    head, _, rest = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    body = json.loads(rest) if rest and "json" in headers["content-type"] else rest
    return int(first.split()[1]), headers, body


def signed(live: Any, body: bytes, target: str = "ListCollections", *, length: str | None = None) -> bytes:
    """Head and body of a signed request."""
    request = AWSRequest("POST", f"{live.url}/", data=body)
    request.headers["Host"] = f"127.0.0.1:{live.port}"
    request.headers["X-Amz-Target"] = f"RekognitionService.{target}"
    request.headers["Content-Type"] = JSON
    SigV4Auth(Credentials("AKEXAMPLE", SECRET), "rekognition", REGION).add_auth(request)
    lines = [f"{name}: {value}" for name, value in request.headers.items()]
    lines.append(f"Content-Length: {len(body)}" if length is None else length)
    return ("POST / HTTP/1.1\r\n" + "\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


def assert_error(answer: bytes, code: str, status: int = 400) -> str:
    got, headers, body = split(answer)
    assert (got, headers["x-amzn-errortype"], headers["content-type"]) == (status, code, JSON)
    assert body.keys() == {"__type", "Code", "Logref", "Message"}
    assert body["__type"] == body["Code"] == code
    assert body["Logref"] == headers["x-amzn-requestid"]
    return str(body["Message"])


# --- routes


def test_health_follows_readiness(serve):
    ready = False
    live = serve(ready=lambda: ready)
    request = b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n"
    status, headers, body = split(live.raw(request))
    assert (status, body) == (503, {"status": "starting"})
    ready = True
    status, headers, body = split(live.raw(request))
    assert (status, body) == (200, {"status": "ready"})
    assert re.fullmatch(r"[0-9a-f-]{36}", headers["x-amzn-requestid"])
    assert "date" in headers
    assert "server" not in headers


def test_other_methods_and_paths_have_a_defined_answer(serve):
    live = serve()
    for method in ("GET", "PUT", "DELETE", "OPTIONS", "PATCH"):
        answer = live.raw(f"{method} / HTTP/1.1\r\nHost: h\r\n\r\n".encode())
        assert_error(answer, "UnknownOperationException", 405)
        assert split(answer)[1]["allow"] == "POST"
    for path in ("/x", "/healthz/", "//", "/../etc/passwd", "/%2e%2e/", "/?a=b/../"):
        answer = live.raw(f"POST {path} HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n".encode())
        assert_error(answer, "UnknownOperationException", 400 if path.startswith("/?") else 404)


def test_unknown_targets(serve):
    live = serve({"ListCollections": list_nothing})
    for target in ("X-Amz-Target: RekognitionService.Nope", "X-Amz-Target: ListCollections", "A: b"):
        answer = live.raw(f"POST / HTTP/1.1\r\nHost: h\r\n{target}\r\nContent-Length: 2\r\n\r\n{{}}".encode())
        assert_error(answer, "UnknownOperationException")


def test_extra_routes_come_first_and_carry_a_request_id(serve):
    async def page(_: Any) -> PlainTextResponse:
        return PlainTextResponse("console")

    live = serve({"ListCollections": list_nothing}, extra_routes=[Route("/", page, methods=["GET"])])
    status, headers, body = split(live.raw(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"))
    assert (status, body) == (200, b"console")
    assert "x-amzn-requestid" in headers
    assert live.client().list_collections()["CollectionIds"] == []


# --- authentication through a real client


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"secret": "wrong" * 8}, "InvalidSignatureException"),
        ({"key": "AKNOBODY"}, "UnrecognizedClientException"),
        ({"key": "AKTEMP"}, "UnrecognizedClientException"),
        ({"key": "AKTEMP", "token": "other"}, "UnrecognizedClientException"),
        ({"token": "surprise"}, "UnrecognizedClientException"),
        ({"key": "AKOLD", "token": "token-of-old"}, "ExpiredTokenException"),
    ],
)
def test_strangers_get_the_modelled_error_and_no_handler_runs(serve, arguments, code):
    ran = []
    live = serve({"ListCollections": lambda *_: ran.append(1)})
    with pytest.raises(ClientError) as refused:
        live.client(**arguments).list_collections()
    assert refused.value.response["Error"]["Code"] == code
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert not ran


def test_no_signature_and_wrong_region(serve):
    live = serve({"ListCollections": list_nothing})
    head = (
        b"POST / HTTP/1.1\r\nHost: h\r\nX-Amz-Target: RekognitionService.ListCollections\r\nContent-Length: 2\r\n\r\n{}"
    )
    assert assert_error(live.raw(head), "MissingAuthenticationTokenException") == "Missing Authentication Token"
    other = serve({"ListCollections": list_nothing}, region="us-east-1", accepted_regions=frozenset())
    with pytest.raises(ClientError, match="Credential should be scoped to a valid region"):
        other.client().list_collections()


def test_a_signed_request_cannot_be_bent_to_another_operation(serve):
    live = serve({"ListCollections": list_nothing})
    request = signed(live, b"{}")
    assert split(live.raw(request))[0] == 200
    bent = request.replace(b"RekognitionService.ListCollections", b"RekognitionService.ListStreamProcessors")
    assert_error(live.raw(bent), "InvalidSignatureException")
    twice = request.replace(b"\r\n\r\n", b"\r\nX-Amz-Target: RekognitionService.DeleteCollection\r\n\r\n", 1)
    assert_error(live.raw(twice), "UnknownOperationException")
    assert_error(live.raw(request[:-2] + b"[]"), "InvalidSignatureException")


# --- errors


@pytest.mark.parametrize(
    ("error", "code", "status"),
    [
        (core.InvalidParameterError, "InvalidParameterException", 400),
        (core.ImageFormatError, "InvalidImageFormatException", 400),
        (core.ImageTooLargeError, "ImageTooLargeException", 400),
        (core.ObjectStoreError, "InvalidS3ObjectException", 400),
        (core.NotFoundError, "ResourceNotFoundException", 400),
        (core.AlreadyExistsError, "ResourceAlreadyExistsException", 400),
        (core.ConflictError, "ConflictException", 400),
        (core.IdempotencyError, "IdempotentParameterMismatchException", 400),
        (core.PaginationTokenError, "InvalidPaginationTokenException", 400),
        (core.QuotaError, "ServiceQuotaExceededException", 400),
        (core.DeniedError, "AccessDeniedException", 400),
        (core.ThrottledError, "ThrottlingException", 400),
        (core.NotSupportedError, "InvalidParameterException", 400),
        (core.UnavailableError, "InternalServerError", 500),
        (core.NotReadyError, "ServiceUnavailable", 503),
    ],
)
def test_domain_errors_reach_boto3_as_modelled_classes(serve, error, code, status):
    def fail(*_: Any) -> Any:
        raise error("the reason")

    client = serve({"AssociateFaces": fail}).client()
    with pytest.raises(client.exceptions.from_code(code)) as refused:
        client.associate_faces(CollectionId="a", UserId="u", FaceIds=["00000000-0000-0000-0000-000000000000"])
    response = refused.value.response
    assert response["Error"] == {"Code": code, "Message": "the reason"}
    assert response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert response["ResponseMetadata"]["HTTPHeaders"]["x-amzn-errortype"] == code


def test_every_core_error_has_a_code_and_subclasses_inherit_it():
    def family(kind: type[core.CustodesError]) -> list[type[core.CustodesError]]:
        # What the command line and the reading of settings raise never comes to the edge.
        apart = ("custodes.cli.", "custodes.settings")
        children = [child for child in kind.__subclasses__() if not child.__module__.startswith(apart)]
        return [kind, *(each for child in children for each in family(child))]

    for each in family(core.CustodesError)[1:]:
        assert api_error(each("m")).message == "m"

    class SpecialError(core.NotFoundError):
        pass

    assert api_error(SpecialError("m")).code == "ResourceNotFoundException"
    orphan = api_error(core.CustodesError("inner detail"))
    assert (orphan.code, orphan.message, orphan.status) == ("InternalServerError", "Internal server error", 500)


def test_a_defect_answers_500_without_its_reason_and_is_logged(serve):
    def broken(*_: Any) -> Any:
        raise RuntimeError("vector 0.123")

    live = serve({"ListCollections": broken, "ListFaces": lambda *_: {"Surprise": "x"}})
    with structlog.testing.capture_logs() as logs:
        answer = live.raw(signed(live, b"{}"))
        live.settle()
    assert assert_error(answer, "InternalServerError", 500) == "Internal server error"
    assert b"vector" not in answer
    assert b"Traceback" not in answer
    assert [line["log_level"] for line in logs] == ["error", "info"]
    assert logs[1]["code"] == "InternalServerError"
    assert (logs[0]["error"], logs[0]["request_id"]) == ("RuntimeError", logs[1]["request_id"])
    assert any("broken" in frame for frame in logs[0]["frames"])
    # A renderer that is given the exception may print the local variables of its frames.
    assert "exc_info" not in logs[0]
    answer = live.raw(signed(live, b'{"CollectionId":"a"}', "ListFaces"))
    assert_error(answer, "InternalServerError", 500)


def _nothing_listed(context: Any, params: Any) -> Released[Any]:
    return Released({"CollectionIds": []}, GateReceipt(7, "token"))


def _unknown_to_the_model(context: Any, params: Any) -> Released[Any]:
    return Released({"Surprise": "x"}, GateReceipt(7, "token"))


def _failing(error: Exception) -> Callable[..., Any]:
    def handle(context: Any, params: Any) -> Any:
        with evidenced(GateReceipt(7, "token")):
            raise error

    return handle


@pytest.mark.parametrize(
    ("handler", "status"),
    [
        (_nothing_listed, 200),
        (_failing(core.NotFoundError("no such collection")), 400),
        (_failing(core.UnavailableError("disk")), 500),
        (_failing(RuntimeError("a defect")), 500),
        (_unknown_to_the_model, 500),
    ],
    ids=["result", "refusal", "failure", "defect", "answer that does not fit"],
)
def test_what_is_on_record_brings_its_receipt_however_it_ends(serve, handler, status):
    live = serve({"ListCollections": handler})
    head = live.raw(signed(live, b"{}")).split(b"\r\n\r\n")[0]
    assert head.startswith(b"HTTP/1.1 %d" % status)
    assert (b"x-custodes-ledger-index: 7" in head, b"x-custodes-receipt: token" in head) == (True, True)


def test_what_is_not_on_record_brings_no_receipt(serve):
    live = serve({"ListCollections": list_nothing})
    for operation in ("ListCollections", "ListStreamProcessors"):
        head = live.raw(signed(live, b"{}", operation)).split(b"\r\n\r\n")[0]
        assert b"x-custodes" not in head


# --- limits


@pytest.mark.parametrize("size", [5 * 1024 * 1024 + 1, 9 * 1024 * 1024, 30 * 1024 * 1024])
def test_an_image_too_large_gets_its_error_and_no_broken_pipe(serve, size):
    ran = []
    live = serve({"DetectFaces": lambda *_: ran.append(1) or {"FaceDetails": []}})
    client = live.client()
    with pytest.raises(ClientError) as refused:
        client.detect_faces(Image={"Bytes": bytes(size)})
    assert refused.value.response["Error"]["Code"] == "ValidationException"
    assert "image.bytes" in str(refused.value)
    assert "5242880" in str(refused.value)
    assert not ran
    client.detect_faces(Image={"Bytes": bytes(5 * 1024 * 1024)})
    assert ran == [1]


def test_two_full_images_fit_where_two_are_taken(serve):
    live = serve({"CompareFaces": lambda _, params: {"FaceMatches": [], "UnmatchedFaces": []}})
    image = {"Bytes": bytes(5 * 1024 * 1024)}
    assert live.client().compare_faces(SourceImage=image, TargetImage=image)["FaceMatches"] == []


def test_a_body_too_long_by_declaration_or_by_chunks(serve):
    live = serve({"ListCollections": list_nothing}, limits=Limits(dropped_bytes=4 * 1024 * 1024))
    huge = live.raw(signed(live, b"", length="Content-Length: 99999999999"))
    assert "longer than" in assert_error(huge, "InvalidParameterException")
    assert split(huge)[1]["connection"] == "close"
    size = 2 * 1024 * 1024
    chunked = signed(live, b"", length="Transfer-Encoding: chunked")
    chunked += f"{size:x}\r\n".encode() + bytes(size) + b"\r\n0\r\n\r\n"
    answer = live.raw(chunked)
    assert "longer than" in assert_error(answer, "InvalidParameterException")
    assert "connection" not in split(answer)[1]


def test_chunked_bodies_are_read(serve):
    live = serve({"ListCollections": list_nothing})
    head = signed(live, b'{"MaxResults":5}').partition(b"\r\n\r\n")[0]
    head = re.sub(rb"Content-Length: \d+", b"Transfer-Encoding: chunked", head)
    answer = live.raw(head + b"\r\n\r\n4\r\n" + b'{"Ma' + b"\r\nc\r\n" + b'xResults":5}' + b"\r\n0\r\n\r\n")
    assert split(answer)[0] == 200


def test_a_slow_body_is_given_up(serve):
    live = serve({"ListCollections": list_nothing}, limits=Limits(body_timeout_s=0.2))
    request = signed(live, b"{}")
    started = time.monotonic()
    with socket.create_connection(("127.0.0.1", live.port), timeout=10) as connection:
        connection.sendall(request[:-1])
        answer = live.receive(connection)
        assert connection.recv(1) == b""
    assert_error(answer, "RequestTimeoutException", 408)
    assert time.monotonic() - started < 5
    assert split(live.raw(request))[0] == 200


def test_clients_that_leave_give_back_what_they_held(serve):
    live = serve({"ListCollections": list_nothing}, limits=Limits(buffered_bytes=100, in_flight=3))
    for _ in range(20):
        request = signed(live, b" " * 60 + b"{}")
        with socket.create_connection(("127.0.0.1", live.port), timeout=10) as connection:
            connection.sendall(request[:-10])
    eventually(lambda: split(live.raw(signed(live, b" " * 60 + b"{}")))[0] == 200)
    assert_error(live.raw(signed(live, b" " * 200 + b"{}")), "ThrottlingException")


def test_more_requests_than_allowed_are_throttled(serve):
    entered, go_on = threading.Event(), threading.Event()

    def wait(*_: Any) -> dict[str, Any]:
        entered.set()
        assert go_on.wait(10)
        return {"CollectionIds": []}

    live = serve({"ListCollections": wait}, limits=Limits(in_flight=1))
    first: list[Any] = []
    thread = threading.Thread(target=lambda: first.append(live.client().list_collections()))
    thread.start()
    assert entered.wait(10)
    with pytest.raises(ClientError) as refused:
        live.client().list_collections()
    assert refused.value.response["Error"]["Code"] == "ThrottlingException"
    # Health is answered while the workers are busy.
    assert split(live.raw(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n"))[0] == 200
    go_on.set()
    thread.join(10)
    assert first[0]["CollectionIds"] == []


def test_handlers_run_in_at_most_so_many_threads(serve):
    running, most, lock = 0, 0, threading.Lock()

    def count(*_: Any) -> dict[str, Any]:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.01)
        with lock:
            running -= 1
        return {"CollectionIds": []}

    live = serve({"ListCollections": count}, limits=Limits(worker_threads=2))
    client = live.client(max_pool_connections=8)
    threads = [threading.Thread(target=client.list_collections) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert most == 2


class HastyProtocol(GuardedProtocol):
    head_timeout_s = 0.2
    head_bytes = 1000


HEALTH = b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n"


@pytest.mark.parametrize("start", [b"", b"G", b"GET / HTTP/1.1\r\nA: ", b"\r\n", HEALTH + b"\r\n", HEALTH + b"GET "])
def test_a_slow_head_is_given_up_even_when_it_trickles(serve, start):
    live = serve(protocol=HastyProtocol)
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", live.port), timeout=0.05) as connection:
        connection.sendall(start)
        closed = False
        while not closed and time.monotonic() - began < 4:
            try:
                closed = connection.recv(65536) == b""
            except TimeoutError:
                if start:
                    connection.sendall(b"\r\n" if start.endswith(b"\n") else b"x")
            except ConnectionError:
                closed = True
    assert closed


def test_a_large_head_is_given_up(serve):
    live = serve(protocol=HastyProtocol)
    with socket.create_connection(("127.0.0.1", live.port), timeout=5) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: h\r\n")
        answer = b""
        for number in range(100):
            try:
                connection.sendall(b"X-%d: %s\r\n" % (number, b"a" * 50))
            except ConnectionError:
                break
            time.sleep(0.001)
        with contextlib.suppress(ConnectionError):
            answer = live.receive(connection)
    assert answer == b"" or split(answer)[0] == 400
    assert number < 99 or answer


def test_a_connection_serves_many_requests_and_waits_for_slow_answers(serve):
    def slow(*_: Any) -> dict[str, Any]:
        time.sleep(0.6)
        return {"CollectionIds": []}

    live = serve({"ListCollections": slow}, protocol=HastyProtocol)
    with socket.create_connection(("127.0.0.1", live.port), timeout=5) as connection:
        for _ in range(5):
            connection.sendall(HEALTH)
            assert split(live.receive(connection))[0] == 200
        # A blank line behind the body, while the answer takes longer than a head may.
        connection.sendall(signed(live, b"{}") + b"\r\n")
        assert split(live.receive(connection))[0] == 200


# --- metrics and logs


def test_metrics_count_by_operation_and_code_for_this_machine_only(serve):
    live = serve({"ListCollections": list_nothing})
    live.client().list_collections()
    live.raw(signed(live, b"{"))
    live.raw(b"POST / HTTP/1.1\r\nHost: h\r\nX-Amz-Target: made.up\r\nContent-Length: 0\r\n\r\n")
    request = b"GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n"
    status, _, body = split(live.raw(request))
    text = body.decode()
    assert status == 200
    assert 'custodes_requests_total{code="OK",operation="ListCollections"} 1.0' in text
    assert 'custodes_requests_total{code="SerializationException",operation="ListCollections"} 1.0' in text
    assert 'custodes_requests_total{code="UnknownOperationException",operation="Unknown"} 1.0' in text
    assert 'custodes_request_seconds_count{operation="ListCollections"} 2.0' in text
    # This very request.
    assert "custodes_requests_in_flight 1.0" in text
    assert "made" not in text
    through_proxy = request.replace(b"\r\n\r\n", b"\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n")
    assert split(live.raw(through_proxy))[0] == 403
    assert split(serve(metrics_public=True).raw(through_proxy))[0] == 200


def test_logs_say_who_and_what_but_not_what_was_in_it(serve):
    live = serve({"DetectFaces": lambda *_: {"FaceDetails": []}})
    with structlog.testing.capture_logs() as logs:
        answer = live.client().detect_faces(Image={"Bytes": b"secret picture"})
        live.raw(signed(live, b'{"CollectionId":"private name!"}', "ListFaces"))
        live.settle()
    assert [line["event"] for line in logs] == ["request", "request"]
    first, second = logs
    assert first["request_id"] == answer["ResponseMetadata"]["RequestId"]
    assert (first["operation"], first["code"], first["status"]) == ("DetectFaces", "OK", 200)
    assert first["account"] == "123456789012"
    assert first["ms"] > 0
    assert (second["operation"], second["code"]) == ("ListFaces", "InvalidParameterException")
    for word in ("secret picture", "c2VjcmV0", "private", SECRET, "Signature"):
        assert word not in repr(logs)


# --- fuzz


@pytest.fixture
def sturdy(serve, service):
    """A server with a handler for everything, and a check that it is unharmed."""
    handlers = dict.fromkeys(service.operations, lambda *_: {}) | {"ListCollections": list_nothing}
    live = serve(handlers, limits=Limits(body_timeout_s=0.5))
    client = live.client()
    yield live
    assert client.list_collections()["CollectionIds"] == []


def test_hostile_bytes_do_no_harm(sturdy):
    pieces = st.sampled_from(
        [
            b"POST / HTTP/1.1\r\n",
            b"GET /healthz HTTP/1.1\r\n",
            b"Host: h\r\n",
            b"Content-Length: 5\r\n",
            b"Content-Length: -1\r\n",
            b"Content-Length: 18446744073709551616\r\n",
            b"Transfer-Encoding: chunked\r\n",
            b"X-Amz-Target: RekognitionService.ListCollections\r\n",
            b"Authorization: AWS4-HMAC-SHA256 Credential=AKEXAMPLE/20200101/eu-central-1/rekognition/aws4_request\r\n",
            b"Expect: 100-continue\r\n",
            b"Upgrade: websocket\r\nConnection: Upgrade\r\n",
            b"\r\n",
            b"ffffffffffffffff\r\n",
            b"\x00",
            b"{}",
        ]
    )

    @settings(max_examples=150, deadline=None)
    @given(st.lists(pieces | st.binary(max_size=20), max_size=12))
    def attack(parts: list[bytes]) -> None:
        with socket.create_connection(("127.0.0.1", sturdy.port), timeout=10) as connection:
            connection.sendall(b"".join(parts))
            connection.shutdown(socket.SHUT_WR)
            got = b""
            try:
                while more := connection.recv(65536):
                    got += more
            except ConnectionResetError:
                pass
        assert not re.search(rb"HTTP/1.1 5\d\d", got)
        assert b"Traceback" not in got

    attack()


def test_hostile_signed_bodies_do_no_harm(sturdy, service):
    @settings(max_examples=100, deadline=None)
    @given(
        st.sampled_from(sorted(service.operations)),
        st.binary(max_size=60)
        | st.sampled_from([b"[" * 50_000, b'{"a":' * 20_000, b'{"MaxResults":1e400}', b"\xef\xbb\xbf{}"]),
    )
    def attack(name: str, body: bytes) -> None:
        status, headers, _ = split(sturdy.raw(signed(sturdy, body, name)))
        assert status in {200, 400}
        assert headers["content-type"] == JSON

    attack()


def test_an_api_error_names_itself():
    assert str(ApiError("SomeException", "why")) == "SomeException: why"
