"""Operations that only this server has: signed like the API's, at paths of their own, through the same gate."""

from __future__ import annotations

import base64
import http.client
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from custodes.storage.files.credentials import open_credentials
from tests.fakes.engine import BLURRED, Square, picture
from tests.fakes.process import Process, serving

QUALITY, LIVENESS = "/custodes/v1/quality", "/custodes/v1/liveness"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    with serving(tmp_path_factory.mktemp("own") / "data") as process:
        yield process


def post(
    server: Process, path: str, members: Any, *, signed: bool = True, service: str = "rekognition"
) -> tuple[int, dict[str, Any], dict[str, str]]:
    """Status, body and headers of one signed request."""
    request = AWSRequest("POST", server.url + path, data=json.dumps(members).encode())
    if signed:
        key = open_credentials(Path(server.data), region="eu-central-1", endpoint_url=server.url, random=bytes).key
        SigV4Auth(Credentials(key.access_key_id, key.secret), service, "eu-central-1").add_auth(request)
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=10)
    connection.request("POST", path, request.body, dict(request.headers.items()))
    answer = connection.getresponse()
    body = json.loads(answer.read())
    connection.close()
    return answer.status, body, {name.lower(): value for name, value in answer.getheaders()}


def image(*squares: Square) -> dict[str, Any]:
    return {"Bytes": base64.b64encode(picture(*squares)).decode()}


def test_quality_has_a_value_limits_and_a_verdict_per_check(server: Process) -> None:
    status, body, headers = post(server, QUALITY, {"Image": image(Square(1)), "MaxFaces": 5})
    assert status == 200
    (face,) = body["Faces"]
    sharp, unknown = face["Checks"]
    assert sharp == {"Name": "sharpness_pct", "Value": pytest.approx(78.43, abs=0.01), "Low": 50.0, "Passed": True}
    assert unknown == {"Name": "background_deviation_pct"}
    assert face["Passed"] is False, "what could not be measured is not passed"
    assert set(face["BoundingBox"]) == {"Width", "Height", "Left", "Top"}
    assert "x-custodes-ledger-index" in headers


def test_a_blurred_face_fails(server: Process) -> None:
    _, body, _ = post(server, QUALITY, {"Image": image(Square(1, blue=BLURRED))})
    assert body["Faces"][0]["Checks"][0]["Passed"] is False


def test_only_as_many_faces_as_asked_for(server: Process) -> None:
    both = image(Square(1), Square(2, left=200))
    assert len(post(server, LIVENESS, {"Image": both})[1]["Faces"]) == 1
    assert len(post(server, LIVENESS, {"Image": both, "MaxFaces": 2})[1]["Faces"]) == 2


def test_liveness_tells_its_parts_and_leaves_out_what_it_has_not(server: Process) -> None:
    status, body, headers = post(server, LIVENESS, {"Image": image(Square(1))})
    assert status == 200
    (face,) = body["Faces"]
    assert {name: face[name] for name in face if name not in {"BoundingBox", "Confidence"}} == {
        "Score": 90.0,
        "NetworkScore": 95.0,
        "ColourPeak": 0.5,
    }
    assert "x-custodes-receipt" in headers


def test_no_face_is_an_empty_answer(server: Process) -> None:
    assert post(server, QUALITY, {"Image": image()})[1] == {"Faces": []}


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({}, "InvalidParameterException"),
        ({"Image": image(Square(1)), "MaxFaces": 0}, "InvalidParameterException"),
        ({"Image": {}}, "InvalidParameterException"),
        ({"Image": {"Bytes": base64.b64encode(b"no picture").decode()}}, "InvalidImageFormatException"),
        ({"Image": {"Bytes": "???"}}, "SerializationException"),
        ([], "SerializationException"),
    ],
)
@pytest.mark.parametrize("path", [QUALITY, LIVENESS])
def test_bad_requests_get_modelled_errors(server: Process, path: str, members: Any, code: str) -> None:
    status, body, headers = post(server, path, members)
    assert (status, headers["x-amzn-errortype"]) == (400, code), body


def test_strangers_are_turned_away(server: Process) -> None:
    assert post(server, QUALITY, {"Image": image(Square(1))}, signed=False)[2]["x-amzn-errortype"] == (
        "MissingAuthenticationTokenException"
    )
    assert post(server, QUALITY, {"Image": image(Square(1))}, service="s3")[0] in {400, 403}


def test_the_path_says_which_operation_and_no_other_is_there(server: Process) -> None:
    assert post(server, "/custodes/v1/souls", {})[0] == 404
    assert post(server, QUALITY + "/", {})[0] == 404


def test_an_account_gets_the_statement_about_itself(server: Process) -> None:
    status, body, headers = post(server, "/custodes/v1/statement", {"FromMillis": 0})
    assert status == 200
    account = json.loads(body["File"])["statement"]["question"]["identifier"]
    assert re.fullmatch(r"acct:[0-9]{12}", account)
    assert "Remark" not in body and "x-custodes-receipt" in headers


def test_what_was_not_billed_or_erased_is_not_there(server: Process) -> None:
    assert post(server, "/custodes/v1/invoices", {})[1] == {"Invoices": []}
    assert post(server, "/custodes/v1/invoice", {"Month": "2026-03"})[:1] == (400,)
    status, body, _ = post(server, "/custodes/v1/certificate", {"FaceId": "11111111-1111-4111-8111-111111111111"})
    assert (status, body["__type"].rpartition("#")[2]) == (400, "ResourceNotFoundException")
    assert post(server, "/custodes/v1/invoice", {"Month": "2026-13"})[1]["__type"] == "InvalidParameterException"
