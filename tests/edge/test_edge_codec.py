"""Parsing, validation and serializing, against botocore's own serializer and parser and by hand."""

from __future__ import annotations

import base64
import json
import math
import re
import struct
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import botocore.session
import numpy as np
import orjson
import pytest
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from custodes.edge.aws.errors import CODES, ApiError
from custodes.edge.aws.model import Operation, Service, Shape, ShapeKind, load_service
from custodes.edge.aws.parse import parse
from custodes.edge.aws.pattern import compile_pattern
from custodes.edge.aws.serialize import OutputError, serialize
from custodes.edge.aws.validate import validate

SERVICE = load_service()
NATIVE = botocore.session.Session().get_service_model("rekognition")
OPERATIONS = sorted(SERVICE.operations)

# Long strings with a pattern, which a generator rarely meets by chance.
LONG = {
    "SNSTopicArn": "arn:aws:sns:eu-central-1:123456789012:topic",
    "StreamProcessorArn": "arn:aws:rekognition:eu-central-1:123456789012:streamprocessor/one",
    "ProjectArn": "arn:aws:rekognition:eu-central-1:123456789012:project/one/1690000000000",
    "ProjectVersionArn": "arn:aws:rekognition:eu-central-1:123456789012:project/one/version/two/1690000000000",
    "DatasetArn": "arn:aws:rekognition:eu-central-1:123456789012:project/one/dataset/train/1690000000000",
}


def values(shape: Shape) -> st.SearchStrategy[Any]:
    """Values that ``shape`` allows, as parsed."""
    low = shape.minimum
    high = shape.maximum
    match shape.kind:
        case ShapeKind.STRUCTURE:
            known = {name: values(member) for name, member in shape.members.items()}
            required = {name: known.pop(name) for name in shape.required}
            return st.fixed_dictionaries(required, optional=known)
        case ShapeKind.LIST:
            least = int(low or 0)
            return st.lists(values(shape.item), min_size=least, max_size=max(least, min(2, int(high or 2))))
        case ShapeKind.MAP:
            return st.dictionaries(values(shape.key), values(shape.item), min_size=int(low or 0), max_size=2)
        case ShapeKind.STRING:
            return strings(shape)
        case ShapeKind.INTEGER | ShapeKind.LONG:
            bits = 31 if shape.kind is ShapeKind.INTEGER else 63
            return st.integers(-(2**bits) if low is None else int(low), 2**bits - 1 if high is None else int(high))
        case ShapeKind.FLOAT:
            return st.floats(low, high, allow_nan=False, allow_infinity=False, width=32)
        case ShapeKind.BOOLEAN:
            return st.booleans()
        case ShapeKind.TIMESTAMP:
            return st.integers(0, 4_000_000_000_000).map(lambda ms: ms / 1000)
        case ShapeKind.BLOB:
            return st.binary(min_size=int(low or 0), max_size=50)
    raise AssertionError(shape.kind)


def strings(shape: Shape) -> st.SearchStrategy[str]:
    if shape.enum:
        return st.sampled_from(shape.enum)
    if shape.name in LONG:
        return st.just(LONG[shape.name])
    least, most = int(shape.minimum or 0), int(shape.maximum or 100)
    if shape.pattern:
        found = st.from_regex(compile_pattern(shape.pattern), fullmatch=True)
        return found.filter(lambda text: least <= len(text) <= most)
    return st.text(st.characters(exclude_categories=("Cs",)), min_size=least, max_size=min(most, least + 20))


def briefly(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """``strategy`` with a short description: Hypothesis warns where it has to spell out half a service model."""

    @st.composite
    def value(draw: st.DrawFn) -> Any:
        return draw(strategy)

    return value()


QUICK = settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow]
)


@pytest.mark.parametrize("name", OPERATIONS)
def test_what_botocore_sends_is_parsed_to_what_was_meant(name: str) -> None:
    operation = SERVICE.operations[name]
    native = NATIVE.operation_model(name)

    @QUICK
    @given(briefly(values(operation.input)))
    def check(params: dict[str, Any]) -> None:
        request = create_serializer("json").serialize_to_request(params, native)
        assert SERVICE.operation_of(request["headers"]["X-Amz-Target"]) is operation
        parsed = parse(request["body"], operation)
        assert parsed == params
        validate(parsed, operation)

    check()


def as_botocore(value: Any, shape: Shape) -> Any:
    match shape.kind:
        case ShapeKind.STRUCTURE:
            return {name: as_botocore(item, shape.members[name]) for name, item in value.items()}
        case ShapeKind.LIST:
            return [as_botocore(item, shape.item) for item in value]
        case ShapeKind.TIMESTAMP:
            return datetime.fromtimestamp(value, UTC)
        case _:
            return value


@pytest.mark.parametrize("name", OPERATIONS)
def test_what_we_answer_botocore_reads_as_meant(name: str) -> None:
    operation = SERVICE.operations[name]
    shape = NATIVE.operation_model(name).output_shape

    @QUICK
    @given(briefly(values(operation.output)))
    def check(output: dict[str, Any]) -> None:
        response = {"body": serialize(output, operation), "headers": {}, "status_code": 200}
        read = create_parser("json").parse(response, shape)
        del read["ResponseMetadata"]
        assert read == as_botocore(output, operation.output)

    check()


def test_the_model_is_what_the_specification_counts() -> None:
    assert len(SERVICE.operations) == 75
    assert len(SERVICE.errors) == 23
    assert {code for code, status in SERVICE.errors.items() if status != 400} == {"InternalServerError"}
    assert {code: ApiError(code, "").status for code in SERVICE.errors} == SERVICE.errors
    # What a client may try again by itself; the model has no word for it.
    assert set(CODES.values()) - SERVICE.errors.keys() == {"ServiceUnavailable"}
    everywhere = frozenset.intersection(*(operation.errors for operation in SERVICE.operations.values()))
    assert everywhere >= {
        "InvalidParameterException",
        "AccessDeniedException",
        "InternalServerError",
        "ThrottlingException",
        "ProvisionedThroughputExceededException",
    }
    assert SERVICE.operation_of("RekognitionService.DetectFaces") is SERVICE.operations["DetectFaces"]
    for target in ("", "DetectFaces", "Other.DetectFaces", "RekognitionService.", "RekognitionService.DetectFaces,x"):
        assert SERVICE.operation_of(target) is None


def test_body_limits_follow_from_the_blobs_an_operation_takes() -> None:
    image = math.ceil(5 * 1024 * 1024 / 3) * 4
    limits = {name: operation.max_body_bytes for name, operation in SERVICE.operations.items()}
    rest = limits["ListFaces"]
    assert rest > 4096 * 40
    assert limits["DetectFaces"] == limits["IndexFaces"] == rest + image
    assert limits["CompareFaces"] == rest + 2 * image


# --- parsing


def body(value: Any) -> bytes:
    return orjson.dumps(value)


def refused(raw: bytes, name: str) -> ApiError:
    operation = SERVICE.operations[name]
    with pytest.raises(ApiError) as error:
        validate(parse(raw, operation), operation)
    return error.value


def accepted(value: Any, name: str) -> dict[str, Any]:
    operation = SERVICE.operations[name]
    params = parse(body(value), operation)
    validate(params, operation)
    return params


def test_unknown_members_and_nulls_are_dropped_and_an_empty_body_is_empty() -> None:
    assert accepted({"MaxResults": None, "Surprise": [[{}]], "NextToken": "t"}, "ListCollections") == {"NextToken": "t"}
    assert parse(b"", SERVICE.operations["ListCollections"]) == {}


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"\xff\xfe",
        b'{"CollectionId":"\\ud800"}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"{} {}",
        b"NaN",
        b'{"CollectionId":1}',
        b'{"CollectionId":["a"]}',
        b'{"CollectionId":"a","FaceIds":"b"}',
        b'{"CollectionId":"a","FaceIds":{"0":"b"}}',
        b'{"CollectionId":"a","FaceIds":[null]}',
    ],
)
def test_malformed_json_and_wrong_types(raw: bytes) -> None:
    error = refused(raw, "DeleteFaces")
    assert (error.code, error.status) == ("SerializationException", 400)
    assert len(error.message) < 200


@pytest.mark.parametrize(
    ("operation", "member", "wrong"),
    [
        ("ListFaces", "MaxResults", [True, "5", [], 1.5, 2**31, -(2**31) - 1, 1e30, {}]),
        ("SearchFaces", "FaceMatchThreshold", [True, "80", [], {}]),
        ("DetectFaces", "Attributes", ["ALL", {"0": "ALL"}, 1]),
        ("CreateCollection", "Tags", [[], "a", {"k": 1}]),
        ("DetectFaces", "Image", [[], "x", 1, {"Bytes": 1}, {"Bytes": ["eA=="]}, {"S3Object": "s3://b/k"}]),
        (
            "DetectFaces",
            "Image",
            [{"Bytes": text} for text in ("e", "eA=", "e A==", "e\nA=", "é", "eA==eA==", "e-_=")],
        ),
    ],
)
def test_wrong_types_of_members(operation: str, member: str, wrong: list[Any]) -> None:
    for value in wrong:
        assert refused(body({member: value}), operation).code == "SerializationException", value


def test_integral_floats_are_integers() -> None:
    params = accepted({"CollectionId": "a", "MaxResults": 5.0}, "ListFaces")
    assert params["MaxResults"] == 5
    assert isinstance(params["MaxResults"], int)


def test_a_blob_is_measured_before_it_is_decoded() -> None:
    limit = 5 * 1024 * 1024
    import pybase64

    exact = {"Image": {"Bytes": pybase64.b64encode(bytes(limit)).decode()}}
    assert len(accepted(exact, "DetectFaces")["Image"]["Bytes"]) == limit
    for extra in (1, 2, 3):
        over = {"Image": {"Bytes": pybase64.b64encode(bytes(limit + extra)).decode()}}
        error = refused(body(over), "DetectFaces")
        assert error.code == "ValidationException"
        assert error.message == (
            "1 validation error detected: Value at 'image.bytes' failed to satisfy constraint: "
            "Member must have length less than or equal to 5242880"
        )
    # Not even base64: its length alone decided.
    assert refused(body({"Image": {"Bytes": "!" * 8_000_000}}), "DetectFaces").code == "ValidationException"
    dataset = {"DatasetArn": LONG["DatasetArn"], "Changes": {"GroundTruth": "A" * 8_000_000}}
    assert refused(body(dataset), "UpdateDatasetEntries").code == "InvalidParameterException"


def test_long_blobs_are_read_wherever_they_stand() -> None:
    first, second = bytes(range(256)) * 100, b"\xff" * 50_000
    texts = [base64.b64encode(data).decode() for data in (first, second)]
    both = {"SourceImage": {"Bytes": texts[0]}, "SimilarityThreshold": 5, "TargetImage": {"Bytes": texts[1]}}
    params = accepted(both, "CompareFaces")
    assert params["SourceImage"] == {"Bytes": first}
    assert params["TargetImage"] == {"Bytes": second}
    assert params["SimilarityThreshold"] == 5.0
    # Behind more quotation marks than are looked at, and where an unknown member is as long.
    many = {"Image": {"Bytes": texts[0]}, "Unknown": texts[1]}
    assert accepted({f"x{number}": "" for number in range(100)} | many, "DetectFaces") == {"Image": {"Bytes": first}}
    # The last of equal members counts, as for short texts.
    twice = f'{{"Image": {{"Bytes": "{texts[0]}", "Bytes": "{texts[1]}"}}}}'.encode()
    assert parse(twice, SERVICE.operations["DetectFaces"]) == {"Image": {"Bytes": second}}
    nothing = f'{{"Image": {{"Bytes": "{texts[0]}"}}, "Image": null}}'.encode()
    assert parse(nothing, SERVICE.operations["DetectFaces"]) == {}


@pytest.mark.parametrize(
    "around",
    ['{{"Image": {{"Bytes": {}"}}}}', '{{"Image": {{"Bytes": "{}}}}}', '{{"Image": {{"Bytes": "a"{}"b"}}}}', '"{}" "'],
)
def test_long_texts_outside_of_json_are_refused(around) -> None:
    text = base64.b64encode(bytes(30_000)).decode()
    error = refused(around.format(text).encode(), "DetectFaces")
    assert (error.code, error.message) == ("SerializationException", "Could not parse request body into json")


def test_long_texts_with_escapes_are_read_as_json_has_them() -> None:
    text = base64.b64encode(b"?" * 30_000).decode()
    escaped = body({"Image": {"Bytes": text}}).replace(b"P", b"\\u0050")
    assert parse(escaped, SERVICE.operations["DetectFaces"]) == {"Image": {"Bytes": b"?" * 30_000}}
    # Longer than the largest picture's text, but only by its escapes.
    largest = b"?" * 5 * 1024 * 1024
    slashes = body({"Image": {"Bytes": base64.b64encode(largest).decode()}}).replace(b"/", b"\\/")
    assert parse(slashes, SERVICE.operations["DetectFaces"]) == {"Image": {"Bytes": largest}}
    quoted = body({"CollectionId": f'"{text}"'})
    assert parse(quoted, SERVICE.operations["SearchFacesByImage"]) == {"CollectionId": f'"{text}"'}
    plain = body({"CollectionId": text})
    assert parse(plain, SERVICE.operations["SearchFacesByImage"]) == {"CollectionId": text}
    assert refused(body({"Image": {"Bytes": text[:-1] + "!"}}), "DetectFaces").code == "SerializationException"


@settings(max_examples=50, deadline=None)
@given(data=st.binary(min_size=1, max_size=400), width=st.integers(1, 80), end=st.sampled_from(["\n", "\r\n"]))
def test_base64_in_lines_is_read(data, width, end) -> None:
    text = base64.b64encode(data).decode()
    lines = end.join(text[at : at + width] for at in range(0, len(text), width)) + end
    assert accepted({"Image": {"Bytes": lines}}, "DetectFaces")["Image"]["Bytes"] == data


ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["CollectionId", "Image", "Bytes", "S3Object", "Bucket", "Name", "FaceIds", "MaxFaces", "Tags"]
            )
            | st.text(),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(["IndexFaces", "DeleteFaces", "CreateCollection", "CompareFaces", "StartFaceSearch"]),
    ANY_JSON | st.binary(),
)
def test_any_input_is_parsed_or_refused(name: str, value: Any) -> None:
    try:
        raw = value if isinstance(value, bytes) else json.dumps(value).encode("utf-8", "surrogatepass")
        operation = SERVICE.operations[name]
        validate(parse(raw, operation), operation)
    except ApiError as error:
        assert error.code in {"SerializationException", "InvalidParameterException", "ValidationException"}


# --- validation

ID = "00000000-0000-0000-0000-000000000000"


@pytest.mark.parametrize(
    ("operation", "params", "words"),
    [
        ("CreateCollection", {}, "Value null at 'collectionId' failed to satisfy constraint: Member must not be null"),
        (
            "CreateCollection",
            {"CollectionId": "a b"},
            "Value 'a b' at 'collectionId' failed to satisfy constraint: "
            r"Member must satisfy regular expression pattern: [a-zA-Z0-9_.\-]+",
        ),
        ("CreateCollection", {"CollectionId": ""}, "length greater than or equal to 1"),
        ("CreateCollection", {"CollectionId": "a" * 256}, "length less than or equal to 255"),
        ("CreateCollection", {"CollectionId": "a\n"}, "regular expression"),
        ("CreateCollection", {"CollectionId": "a", "Tags": {"aws:x": "1"}}, "'tags.key'"),
        ("CreateCollection", {"CollectionId": "a", "Tags": {str(n): "1" for n in range(201)}}, "equal to 200"),
        ("CreateCollection", {"CollectionId": "a", "Tags": {"k": "v" * 257}}, "'tags.value'"),
        ("ListCollections", {"MaxResults": 4097}, "Value '4097' at 'maxResults' failed to satisfy constraint: "
         "Member must have value less than or equal to 4096"),
        ("ListCollections", {"MaxResults": -1}, "value greater than or equal to 0"),
        ("DeleteFaces", {"CollectionId": "a", "FaceIds": []}, "length greater than or equal to 1"),
        ("DeleteFaces", {"CollectionId": "a", "FaceIds": [ID] * 4097}, "length less than or equal to 4096"),
        ("DeleteFaces", {"CollectionId": "a", "FaceIds": [ID, "x"]}, "'faceIds.2.member'"),
        ("SearchFaces", {"CollectionId": "a", "FaceId": ID, "FaceMatchThreshold": 100.5}, "less than or equal to 100"),
        ("SearchFaces", {"CollectionId": "a", "FaceId": ID.upper() + "A"}, "regular expression"),
        ("IndexFaces", {"CollectionId": "a", "Image": {}, "MaxFaces": 0}, "greater than or equal to 1"),
        (
            "IndexFaces",
            {"CollectionId": "a", "Image": {}, "QualityFilter": "BEST"},
            "Member must satisfy enum value set: [NONE, AUTO, LOW, MEDIUM, HIGH]",
        ),
        ("DetectFaces", {"Image": {"Bytes": ""}}, "'image.bytes' failed to satisfy constraint: Member must have"),
        ("DetectFaces", {"Image": {}, "Attributes": ["SOUL"]}, "'attributes.1.member'"),
        ("DetectFaces", {"Image": {"S3Object": {"Bucket": "b"}}, "Attributes": ["SOUL"]}, "'attributes.1.member'"),
        ("DetectFaces", {"Image": {"S3Object": {"Bucket": "a", "Name": "n"}}}, "'image.s3Object.bucket'"),
    ],
)  # fmt: skip
def test_constraints(operation: str, params: dict[str, Any], words: str) -> None:
    error = refused(body(params), operation)
    assert (error.code, error.status) == ("InvalidParameterException", 400)
    assert re.match(r"\d validation errors? detected: ", error.message)
    assert words in error.message


def test_several_violations_are_told_together_but_not_all_of_thousands() -> None:
    both = refused(body({"MaxResults": 9999}), "ListFaces")
    assert both.message.startswith("2 validation errors detected: ")
    many = refused(body({"CollectionId": "a", "FaceIds": ["x" * 30] * 4096}), "DeleteFaces")
    assert len(many.message) < 2000
    long = refused(body({"CollectionId": " " * 100_000}), "CreateCollection")
    assert len(long.message) < 2000


@pytest.mark.parametrize(
    ("operation", "limit"),
    [
        ("DescribeProjects", 100),
        ("DescribeProjectVersions", 100),
        ("ListDatasetEntries", 100),
        ("ListDatasetLabels", 100),
        ("ListProjectPolicies", 5),
    ],
)
def test_documented_validation_exceptions(operation: str, limit: int) -> None:
    given_ = {"ProjectArn": LONG["ProjectArn"], "DatasetArn": LONG["DatasetArn"]}
    accepted(given_ | {"MaxResults": limit}, operation)
    over = refused(body(given_ | {"MaxResults": limit + 1}), operation)
    assert over.code == "ValidationException"
    assert f"less than or equal to {limit}" in over.message
    assert refused(body(given_ | {"MaxResults": 0}), operation).code == "InvalidParameterException"


def all_shapes(service: Service) -> Iterator[Shape]:
    def walk(shape: Shape) -> Iterator[Shape]:
        yield shape
        for member in (*shape.members.values(), shape.item, shape.key):
            if member is not None:
                yield from walk(member)

    for operation in service.operations.values():
        yield from walk(operation.input)
        yield from walk(operation.output)


def test_every_pattern_of_the_model_compiles_without_a_warning() -> None:
    patterns = {shape.pattern for shape in all_shapes(SERVICE) if shape.pattern}
    assert len(patterns) > 20
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for pattern in patterns:
            compile_pattern.__wrapped__(pattern)


def test_patterns_mean_what_java_means() -> None:
    tag = compile_pattern(r"^(?!aws:)[\p{L}\p{Z}\p{N}_.:/=+\-@]*$")
    assert tag.fullmatch("Straße 日本 Ⅷ ½ \u00a0٣")
    for text in ("aws:a", "a!", "a\n", "a\t", "e\u0301"):
        assert not tag.fullmatch(text), text
    digits = compile_pattern(r"^\d{2}$")
    assert digits.fullmatch("12")
    assert not digits.fullmatch("١٢")


# --- serializing


def test_floats_are_float32_widened() -> None:
    operation = SERVICE.operations["SearchFacesByImage"]
    for value in (99.99861, np.float32(99.99861), np.float64(99.99861), 1, 0.1):
        written = orjson.loads(serialize({"SearchedFaceConfidence": value}, operation))["SearchedFaceConfidence"]
        assert written == struct.unpack("f", struct.pack("f", value))[0]


def test_none_is_dropped_and_empty_lists_stay() -> None:
    operation = SERVICE.operations["ListFaces"]
    assert serialize({"Faces": [], "NextToken": None}, operation) == b'{"Faces":[]}'


def test_timestamps_are_seconds() -> None:
    operation = SERVICE.operations["DescribeCollection"]
    assert serialize({"CreationTimestamp": 1569444828.274}, operation) == b'{"CreationTimestamp":1569444828.274}'
    moment = datetime(2020, 1, 1, tzinfo=UTC)
    assert serialize({"CreationTimestamp": moment}, operation) == b'{"CreationTimestamp":1577836800.0}'


@pytest.mark.parametrize(
    ("operation", "output"),
    [
        ("ListFaces", {"Surprise": 1}),
        ("ListFaces", {"Faces": [{"Surprise": 1}]}),
        ("ListFaces", {"Faces": "abc"}),
        ("ListFaces", {"Faces": {}}),
        ("ListFaces", {"NextToken": 1}),
        ("ListFaces", []),
        ("DescribeCollection", {"FaceCount": 1.5}),
        ("DescribeCollection", {"FaceCount": True}),
        ("DescribeCollection", {"CreationTimestamp": "now"}),
        ("DescribeCollection", {"CreationTimestamp": math.nan}),
        ("DescribeCollection", {"CreationTimestamp": datetime(2020, 1, 1)}),
        ("SearchFacesByImage", {"SearchedFaceConfidence": math.nan}),
        ("SearchFacesByImage", {"SearchedFaceConfidence": math.inf}),
        ("SearchFacesByImage", {"SearchedFaceConfidence": 1e39}),
        ("SearchFacesByImage", {"SearchedFaceConfidence": "99"}),
        ("AssociateFaces", {"UserStatus": "HAPPY"}),
        ("DetectFaces", {"FaceDetails": [{"Smile": {"Value": 1}}]}),
        ("ListTagsForResource", {"Tags": {1: "a"}}),
        ("GetFaceLivenessSessionResults", {"ReferenceImage": {"Bytes": "text"}}),
    ],
)
def test_what_the_model_does_not_know_is_a_defect(operation: str, output: Any) -> None:
    with pytest.raises(OutputError):
        serialize(output, SERVICE.operations[operation])


def test_blobs_are_base64() -> None:
    operation: Operation = SERVICE.operations["GetFaceLivenessSessionResults"]
    assert serialize({"ReferenceImage": {"Bytes": b"\x00\xff"}}, operation) == b'{"ReferenceImage":{"Bytes":"AP8="}}'
