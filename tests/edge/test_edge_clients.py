"""boto3 against the live edge: all operations answer, errors are the modelled ones."""

from __future__ import annotations

import concurrent.futures
from typing import Any

import pytest
from botocore.exceptions import ClientError


def test_a_handler_gets_parsed_params_and_its_answer_reaches_boto3(serve):
    seen = []

    def detect(context, params):
        seen.append((context, params))
        return {"FaceDetails": [{"Confidence": 99.99861, "BoundingBox": None}], "OrientationCorrection": None}

    client = serve({"DetectFaces": detect}).client()
    answer = client.detect_faces(Image={"Bytes": b"\xff\xd8 picture"}, Attributes=["ALL"])
    assert answer["FaceDetails"] == [{"Confidence": 99.99861145019531}]
    assert "OrientationCorrection" not in answer
    context, params = seen[0]
    assert params == {"Image": {"Bytes": b"\xff\xd8 picture"}, "Attributes": ["ALL"]}
    assert context.caller.account_id == "123456789012"
    assert context.caller.arn == "arn:aws:iam::123456789012:user/ann"
    assert context.caller.region == "eu-central-1"
    meta = answer["ResponseMetadata"]
    assert meta["HTTPStatusCode"] == 200
    assert meta["RequestId"] == context.request_id
    assert meta["HTTPHeaders"]["content-type"] == "application/x-amz-json-1.1"
    assert "date" in meta["HTTPHeaders"]


def test_root_and_temporary_keys(serve):
    seen: list[Any] = []
    live = serve({"ListCollections": lambda context, _: seen.append(context.caller.arn) or {"CollectionIds": []}})
    assert live.client("AKROOT").list_collections()["CollectionIds"] == []
    live.client("AKTEMP", token="token-of-tim").list_collections()
    assert seen == ["arn:aws:iam::123456789012:root", "arn:aws:iam::123456789012:user/tim"]


def test_every_operation_answers_and_says_plainly_that_it_is_missing(serve, service):
    assert len(service.operations) == 75
    live = serve({}, reasons={"StartFaceDetection": "stored video comes later"})
    client = live.client(parameter_validation=False)
    for python_name, name in _methods(client):
        with pytest.raises(client.exceptions.InvalidParameterException) as refused:
            getattr(client, python_name)()
        message = refused.value.response["Error"]["Message"]
        assert message.startswith(f"Operation {name} is not supported by this server: ")
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
        assert "InvalidParameterException" in service.operations[name].errors
    with pytest.raises(ClientError, match="stored video comes later"):
        client.start_face_detection()


def test_a_refusal_of_a_missing_operation_is_not_retried(serve):
    ids = iter(range(100))
    live = serve({}, request_ids=lambda: f"id-{next(ids)}")
    for mode in ("standard", "legacy", "adaptive"):
        client = live.client(retries={"mode": mode, "total_max_attempts": 4})
        with pytest.raises(ClientError) as refused:
            client.list_collections()
        assert refused.value.response["ResponseMetadata"]["RetryAttempts"] == 0


def _methods(client: Any) -> list[tuple[str, str]]:
    return sorted(client.meta.method_to_api_mapping.items())


def test_parallel_clients_get_their_own_answers(serve):
    live = serve({"CreateCollection": lambda _, params: {"CollectionArn": params["CollectionId"], "StatusCode": 200}})
    client = live.client(max_pool_connections=16)

    def create(number: int) -> bool:
        name = f"c{number}"
        return bool(client.create_collection(CollectionId=name)["CollectionArn"] == name)

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert all(pool.map(create, range(200)))
