"""Who may train what, copy it and use it: project policies, names of labels in rules, erasure, tags, two accounts."""

from __future__ import annotations

import hashlib
import io
import json
from typing import Any

import boto3
import PIL.Image
import pytest

from custodes.core.errors import CustodesError
from custodes.projects.protected import names_a_trait
from tests.fakes.administration import administer
from tests.fakes.custom import plain
from tests.fakes.engine import Square, picture
from tests.fakes.live import REGION
from tests.fakes.studio import RESULTS, Studio, image_line

EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "rekognition:*", "Resource": "*"}]}


def client_of(studio: Studio, user: str, document: Any, account: str | None = None) -> Any:
    """A client of a new user with this document."""
    whose = {} if account is None else {"account": account}
    administer(studio.server, "user create", user=user, **whose)
    text = json.dumps(document)
    administer(studio.server, "document put", owner=f"user/{user}", name="all", text=text, **whose)
    key = administer(studio.server, "key create", user=user, **whose)
    session = boto3.session.Session(key["access_key_id"], key["secret_access_key"], region_name=REGION)
    return session.client("rekognition", endpoint_url=studio.server.url)


def another(studio: Studio) -> tuple[str, Any]:
    """Another account, and a client of a user of it who may do everything."""
    profile = {"legal_name": "Copier", "sector": "retail", "country": "NL"}
    account = administer(studio.server, "account create", profile=profile, stated={})["account_id"]
    return account, client_of(studio, "copier", EVERYTHING, account)


@pytest.fixture(scope="module")
def trained(studio: Studio) -> tuple[str, str]:
    """A project with a trained version."""
    project = studio.project("original")
    lines = studio.coloured(["red", "blue"], 6, "original/")
    studio.dataset(project, "TRAIN", DatasetSource=studio.manifest("original/a.manifest", lines))
    studio.dataset(project, "TEST", DatasetSource=studio.manifest("original/b.manifest", lines[:2] + lines[-2:]))
    return project, studio.train(project)


def copy(client: Any, project: str, version: str, target: str, name: str = "copy") -> Any:
    return client.copy_project_version(
        SourceProjectArn=project,
        SourceProjectVersionArn=version,
        DestinationProjectArn=target,
        VersionName=name,
        OutputConfig={"S3Bucket": RESULTS},
    )


def test_a_copy_within_an_account_serves_and_outlives_the_original(studio: Studio, trained: tuple[str, str]) -> None:
    project, version = trained
    target = studio.project("copies")
    arn = copy(studio.client, project, version, target)["ProjectVersionArn"]
    described = studio.described(target)
    assert (described["Status"], described["SourceProjectVersionArn"]) == ("COPYING_COMPLETED", version)
    studio.client.start_project_version(ProjectVersionArn=arn, MinInferenceUnits=1)
    found = studio.client.detect_custom_labels(ProjectVersionArn=arn, Image={"Bytes": plain("blue", 70)})
    assert [label["Name"] for label in found["CustomLabels"]] == ["blue"]


def test_a_policy_is_checked_and_has_revisions(studio: Studio, trained: tuple[str, str]) -> None:
    client, (project, _) = studio.client, trained
    errors = client.exceptions
    document = policy("123456789012", "*")

    def put(text: str, **options: Any) -> str:
        return client.put_project_policy(ProjectArn=project, PolicyName="one", PolicyDocument=text, **options)[
            "PolicyRevisionId"
        ]

    for wrong in ("{", policy("nobody", "*"), document.replace("Copy", "Delete"), document.replace("Copy", "Fly")):
        with pytest.raises(errors.MalformedPolicyDocumentException):
            put(wrong)
    first = put(document)
    with pytest.raises(errors.ResourceAlreadyExistsException):
        put(document)
    with pytest.raises(errors.InvalidPolicyRevisionIdException):
        put(document, PolicyRevisionId="ab")
    second = put(document, PolicyRevisionId=first)
    listed = client.list_project_policies(ProjectArn=project)["ProjectPolicies"]
    assert [(one["PolicyName"], one["PolicyRevisionId"]) for one in listed] == [("one", second)] and second != first
    with pytest.raises(errors.InvalidPolicyRevisionIdException):
        client.delete_project_policy(ProjectArn=project, PolicyName="one", PolicyRevisionId=first)
    client.delete_project_policy(ProjectArn=project, PolicyName="one", PolicyRevisionId=second)
    with pytest.raises(errors.ResourceNotFoundException):
        client.delete_project_policy(ProjectArn=project, PolicyName="one")


def policy(principal: str, resource: str, effect: str = "Allow") -> str:
    statement = {
        "Effect": effect,
        "Principal": {"AWS": principal},
        "Action": "rekognition:CopyProjectVersion",
        "Resource": resource,
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_another_account_copies_only_what_a_policy_lets_it(studio: Studio, trained: tuple[str, str]) -> None:
    project, version = trained
    account, client = another(studio)
    target = client.create_project(ProjectName="mine")["ProjectArn"]
    with pytest.raises(client.exceptions.AccessDeniedException):
        copy(client, project, version, target)
    for name, document in (("far", policy("999999999999", "*")), ("other", policy(account, version + "1"))):
        studio.client.put_project_policy(ProjectArn=project, PolicyName=name, PolicyDocument=document)
        with pytest.raises(client.exceptions.AccessDeniedException):
            copy(client, project, version, target)
    studio.client.put_project_policy(ProjectArn=project, PolicyName="near", PolicyDocument=policy(account, version))
    arn = copy(client, project, version, target)["ProjectVersionArn"]
    assert f":{account}:" in arn
    with pytest.raises(client.exceptions.AccessDeniedException):
        client.describe_project_versions(ProjectArn=project)
    denying = policy(account, "*", "Deny")
    studio.client.put_project_policy(ProjectArn=project, PolicyName="never", PolicyDocument=denying)
    with pytest.raises(client.exceptions.AccessDeniedException):
        copy(client, project, version, target, "again")


def test_labels_of_protected_traits_need_a_purpose(studio: Studio) -> None:
    project = studio.project("traits")
    lines = [
        image_line(studio.put(f"traits/{colour}-{i}.png", plain(colour, i)), name)
        for colour, name in (("red", "Muslim"), ("blue", "other"))
        for i in range(5)
    ]
    source = studio.manifest("traits/a.manifest", lines)
    for kind in ("TRAIN", "TEST"):
        studio.dataset(project, kind, DatasetSource=source)
    with pytest.raises(studio.client.exceptions.AccessDeniedException, match="protected traits"):
        studio.train(project)
    given = {"TrainingData": {"Assets": [source]}, "TestingData": {"Assets": [source]}}
    other = studio.project("traits-given")
    studio.train(other, **given)
    described = studio.described(other)
    assert described["Status"] == "TRAINING_FAILED" and "protected traits" in described["StatusMessage"]


@pytest.mark.parametrize(
    "name", ["Muslim", "male_face", "darkSkinned", "ethnicity: Roma", "Émigré refugees", "black woman"]
)
def test_names_of_traits(name: str) -> None:
    assert names_a_trait(name)


@pytest.mark.parametrize("name", ["red", "bolt M8", "black box", "turbine", "race-car track".replace("race", "rally")])
def test_names_of_things(name: str) -> None:
    assert not names_a_trait(name)


def test_training_on_faces_needs_a_purpose(studio: Studio) -> None:
    project = studio.project("faces")
    lines = []
    for i in range(10):
        shot = PIL.Image.open(io.BytesIO(picture(Square(i % 3 + 1, side=200))))
        out = io.BytesIO()
        shot.convert("RGB").save(out, "PNG")
        lines.append(image_line(studio.put(f"faces/{i}.png", out.getvalue()), "ab"[i % 2]))
    source = studio.manifest("faces/a.manifest", lines)
    studio.train(project, TrainingData={"Assets": [source]}, TestingData={"Assets": [source]})
    described = studio.described(project)
    assert described["Status"] == "TRAINING_FAILED" and "faces" in described["StatusMessage"]


def test_a_user_may_be_kept_to_some_labels(studio: Studio, trained: tuple[str, str]) -> None:
    _, version = trained
    denied = {
        "Effect": "Deny",
        "Action": "rekognition:StartProjectVersion",
        "Resource": "*",
        "Condition": {"ForAnyValue:StringEquals": {"custodes:LabelNames": "red"}},
    }
    client = client_of(studio, "colourist", {**EVERYTHING, "Statement": [*EVERYTHING["Statement"], denied]})
    with pytest.raises(client.exceptions.AccessDeniedException):
        client.start_project_version(ProjectVersionArn=version, MinInferenceUnits=1)


def test_a_version_says_when_its_data_were_erased(studio: Studio) -> None:
    project = studio.project("erased")
    lines = studio.coloured(["red", "blue"], 4, "erased/")
    source = studio.manifest("erased/a.manifest", lines)
    train = studio.dataset(project, "TRAIN", DatasetSource=source)
    studio.dataset(project, "TEST", DatasetSource=source)
    studio.train(project)
    assert "erased" not in studio.described(project)["StatusMessage"]
    studio.client.delete_dataset(DatasetArn=train)
    assert "erased" in studio.described(project)["StatusMessage"]


def test_pictures_are_erased_one_by_one_and_versions_and_their_copies_say_of_how_many(studio: Studio) -> None:
    project = studio.project("one-by-one")
    lines = studio.coloured(["red", "blue"], 5, "one-by-one/")
    source = studio.manifest("one-by-one/a.manifest", lines)
    train = studio.dataset(project, "TRAIN", DatasetSource=source)
    studio.dataset(project, "TEST", DatasetSource=studio.manifest("one-by-one/b.manifest", lines[:1] + lines[-1:]))
    version, target = studio.train(project), studio.project("one-by-one-copy")
    copy(studio.client, project, version, target)

    def erase(reference: str) -> tuple[int, int]:
        digest = hashlib.sha256(reference.encode()).hexdigest()
        found = administer(studio.server, "labels erase", source_sha256=digest)
        return found["entries"], found["versions"]

    def told(of: str) -> str:
        return studio.described(of)["StatusMessage"]

    assert "erased" not in told(project)
    assert erase(lines[0]["source-ref"]) == (2, 2), "in both datasets; of the version and its copy"
    for of in (project, target):
        assert "1 of the 10 pictures" in told(of)
    assert erase(lines[0]["source-ref"]) == (0, 0), "nothing is counted twice"
    assert erase(lines[5]["source-ref"]) == (1, 2) and "2 of the 10 pictures" in told(target)
    assert erase("s3://pictures/never.png") == (0, 0)
    stats = studio.client.describe_dataset(DatasetArn=train)["DatasetDescription"]["DatasetStats"]
    assert (stats["TotalEntries"], stats["LabeledEntries"]) == (8, 8)
    assert len(studio.client.list_dataset_entries(DatasetArn=train)["DatasetEntries"]) == 8
    studio.client.start_project_version(ProjectVersionArn=version, MinInferenceUnits=1)
    found = studio.client.detect_custom_labels(ProjectVersionArn=version, Image={"Bytes": plain("red", 80)})
    assert found["CustomLabels"][0]["Name"] == "red", "weights stay until the version is deleted"
    studio.client.delete_dataset(DatasetArn=train)
    assert "10 of the 10 pictures" in told(project) and "10 of the 10 pictures" in told(target)


@pytest.mark.parametrize("wrong", ["x" * 64, "f" * 63, "F" * 64])
def test_what_is_no_digest_erases_nothing(studio: Studio, wrong: str) -> None:
    with pytest.raises(CustodesError, match="hexadecimal"):
        administer(studio.server, "labels erase", source_sha256=wrong)


def test_tags(studio: Studio, trained: tuple[str, str]) -> None:
    client = studio.client
    for arn in trained:
        client.tag_resource(ResourceArn=arn, Tags={"a": "1", "b": "2"})
        client.untag_resource(ResourceArn=arn, TagKeys=["a"])
        assert client.list_tags_for_resource(ResourceArn=arn)["Tags"] == {"b": "2"}
