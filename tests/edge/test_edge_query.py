"""The Query protocol: forms read by the model of STS, XML that botocore's own parser reads, and hostile forms."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from botocore import parsers, serialize, session
from hypothesis import given
from hypothesis import strategies as st

from custodes.core.ids import RequestId
from custodes.edge.aws.canonical import SignedRequest
from custodes.edge.aws.errors import ApiError
from custodes.edge.aws.query import read_form
from custodes.edge.aws.sts import open_sts
from custodes.edge.aws.validate import validate

SERVICE, WIRE = open_sts()
NATIVE = session.get_session().get_service_model("sts")
SERIALIZER = serialize.create_serializer("query", include_validation=False)
ASSUME = SERVICE.operations["AssumeRole"]
TEXT = st.text(st.characters(blacklist_categories=("Cs",)), max_size=20)
TAGS = st.lists(st.fixed_dictionaries({"Key": TEXT, "Value": TEXT}), max_size=12)


@given(TAGS, st.lists(TEXT, max_size=12), st.integers(-10, 10**6), TEXT)
def test_what_botocore_sends_is_read_as_it_was_meant(tags: Any, keys: list[str], seconds: int, name: str) -> None:
    params: dict[str, Any] = {"RoleArn": "arn", "RoleSessionName": name, "DurationSeconds": seconds}
    # An empty list is sent as an empty field by some clients and as nothing by others.
    params |= {"Tags": tags} if tags else {}
    params |= {"TransitiveTagKeys": keys} if keys else {}
    request = SERIALIZER.serialize_to_request(params, NATIVE.operation_model("AssumeRole"))
    raw = urlencode(request["body"]).encode()
    assert WIRE.operation(WIRE.announced(SignedRequest("POST", b"/", b"", {})), raw) is ASSUME
    assert WIRE.parameters(raw, ASSUME) == params


@given(st.text(max_size=40), st.integers(0, 100), st.integers(0, 2**32))
def test_what_we_answer_is_what_botocore_reads(text: str, share: int, moment: int) -> None:
    output = {
        "AssumedRoleUser": {"AssumedRoleId": "id", "Arn": text},
        "Credentials": {
            "AccessKeyId": "k",
            "SecretAccessKey": "s",
            "SessionToken": "t<&>\"'",
            "Expiration": moment,
        },
        "PackedPolicySize": share,
        "SourceIdentity": None,
    }
    xml = WIRE.answer(output, ASSUME, RequestId("r-1"))
    parser = parsers.create_parser("query")
    read = parser.parse(
        {"status_code": 200, "headers": {}, "body": xml}, NATIVE.operation_model("AssumeRole").output_shape
    )
    assert read["PackedPolicySize"] == share
    assert read["Credentials"]["SessionToken"] == "t<&>\"'"
    assert int(read["Credentials"]["Expiration"].timestamp()) == moment
    assert read["ResponseMetadata"]["RequestId"] == "r-1"
    assert "SourceIdentity" not in read


@given(st.text(max_size=60))
def test_errors_are_read_whatever_they_say(message: str) -> None:
    xml, reported = WIRE.failure(ApiError("AccessDeniedException", message), RequestId("r-1"))
    read = parsers.create_parser("query").parse({"status_code": reported.status, "headers": {}, "body": xml}, None)
    assert (read["Error"]["Code"], read["Error"]["Type"], reported.status) == ("AccessDenied", "Sender", 403)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"&",
        b"Action",
        b"Action=AssumeRole",
        b"Action=AssumeRole&Version=2010-01-01",
        b"Action=Fly&Version=2011-06-15",
        b"Action=AssumeRole&Action=AssumeRole&Version=2011-06-15",
        b"Action=%ff%fe&Version=2011-06-15",
        b"\xff\xfe",
        b"&".join(b"a%d=1" % number for number in range(2000)),
    ],
)
def test_forms_that_name_no_action_are_refused(raw: bytes) -> None:
    with pytest.raises(ApiError):
        WIRE.operation(WIRE.announced(SignedRequest("POST", b"/", b"", {})), raw)


@pytest.mark.parametrize(
    "field",
    [
        "DurationSeconds=1e3",
        "DurationSeconds=" + "9" * 5000,
        "DurationSeconds=",
        "DurationSeconds=٣",
        "Tags.member.0.Key=a",
        "Tags.member.-1.Key=a",
        "Tags.member.x.Key=a",
        "Tags.member.99999.Key=a",
        "Tags.member..Key=a",
    ],
)
def test_fields_of_the_wrong_kind_are_refused(field: str) -> None:
    name, _, value = field.partition("=")
    with pytest.raises(ApiError):
        WIRE.parameters(urlencode({name: value}).encode(), ASSUME)


def test_members_that_lack_something_are_for_validation() -> None:
    params = WIRE.parameters(b"Tags.member.2.Value=x&Tags.member.7.Other=y&Nothing.member.1=z", ASSUME)
    assert params == {"Tags": [{"Value": "x"}, {}]}
    with pytest.raises(ApiError):
        validate(params, ASSUME)


@given(st.binary(max_size=200))
def test_no_bytes_do_more_than_be_refused(raw: bytes) -> None:
    try:
        read_form(raw)
        WIRE.parameters(raw, ASSUME)
    except ApiError:
        pass
