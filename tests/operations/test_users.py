"""Users: life cycle, association, idempotency."""

from __future__ import annotations

import threading

import pytest

from custodes.core.errors import ConflictError, IdempotencyError, InvalidParameterError, NotFoundError, QuotaError
from custodes.core.ids import ModelVersion
from tests.fakes.engine import Square, picture

from .conftest import OTHER_ACCOUNT

ON = {"CollectionId": "people"}
GONE = "12345678-1234-4123-8123-123456789012"


@pytest.fixture
def people(server):
    server.collection()
    for user in ("ann", "bob"):
        server.call("CreateUser", **ON, UserId=user)
    server.calls = lambda operation, user="ann", **params: server.call(operation, **ON, UserId=user, **params)
    server.shot = lambda who, angle=0.0, name="x": server.enrol(picture(Square(who, angle)), ExternalImageId=name)[0]
    server.statuses = lambda: {u["UserId"]: u["UserStatus"] for u in server.call("ListUsers", **ON)["Users"]}
    return server


def test_life_cycle_of_the_status(people):
    face = people.shot(1)
    assert people.statuses() == {"ann": "CREATED", "bob": "CREATED"}
    assert people.calls("AssociateFaces", FaceIds=[face]) == {
        "AssociatedFaces": [{"FaceId": face}],
        "UnsuccessfulFaceAssociations": [],
        "UserStatus": "UPDATING",
    }
    assert people.statuses()["ann"] == "ACTIVE"
    assert people.calls("DisassociateFaces", FaceIds=[face]) == {
        "DisassociatedFaces": [{"FaceId": face}],
        "UnsuccessfulFaceDisassociations": [],
        "UserStatus": "CREATED",
    }
    assert people.statuses()["ann"] == "CREATED"


def test_create_twice_is_a_conflict(people):
    with pytest.raises(ConflictError):
        people.calls("CreateUser")


@pytest.mark.parametrize("operation", ["DeleteUser", "AssociateFaces", "DisassociateFaces"])
def test_an_unknown_user(people, operation):
    faces = {} if operation == "DeleteUser" else {"FaceIds": [GONE]}
    with pytest.raises(NotFoundError):
        people.calls(operation, user="nobody", **faces)


def test_deleting_a_user_leaves_its_faces(people):
    face = people.shot(1)
    people.calls("AssociateFaces", FaceIds=[face])
    assert people.calls("DeleteUser") == {}
    (left,) = people.call("ListFaces", **ON)["Faces"]
    assert left["FaceId"] == face
    assert "UserId" not in left
    assert people.call("SearchUsers", **ON, FaceId=face, UserMatchThreshold=0)["UserMatches"] == []


def test_list_pages(people):
    for user in ("carl", "dora", "emil"):
        people.calls("CreateUser", user=user)
    seen, token = [], {}
    for _ in range(3):
        page = people.call("ListUsers", **ON, MaxResults=2, **token)
        seen += [user["UserId"] for user in page["Users"]]
        token = {"NextToken": page["NextToken"]} if "NextToken" in page else {}
    assert (seen, token) == (["ann", "bob", "carl", "dora", "emil"], {})


def test_outcomes_of_an_association(people):
    mine, close, far, bobs = people.shot(1), people.shot(1, 20), people.shot(1, 80), people.shot(2)
    people.calls("AssociateFaces", FaceIds=[mine])
    people.calls("AssociateFaces", user="bob", FaceIds=[bobs])
    answer = people.calls("AssociateFaces", FaceIds=[GONE, mine, bobs, far, close, close])
    assert answer["AssociatedFaces"] == [{"FaceId": close}]
    assert answer["UserStatus"] == "UPDATING"
    not_found, other, low = answer["UnsuccessfulFaceAssociations"]
    assert not_found == {"FaceId": GONE, "Reasons": ["FACE_NOT_FOUND"]}
    assert other == {"FaceId": bobs, "UserId": "bob", "Reasons": ["ASSOCIATED_TO_A_DIFFERENT_USER"]}
    assert low["FaceId"] == far
    assert low["Reasons"] == ["LOW_MATCH_CONFIDENCE"]
    assert low["Confidence"] == pytest.approx(58.7, abs=0.3)
    assert "UserId" not in low


def test_nothing_to_do_answers_with_the_status_as_it_is(people):
    face = people.shot(1)
    assert people.calls("AssociateFaces", FaceIds=[GONE])["UserStatus"] == "CREATED"
    people.calls("AssociateFaces", FaceIds=[face])
    again = people.calls("AssociateFaces", FaceIds=[face])
    assert again == {"AssociatedFaces": [], "UnsuccessfulFaceAssociations": [], "UserStatus": "ACTIVE"}


def test_the_threshold_counts_once_the_user_has_a_face(people):
    unlike = [people.shot(1), people.shot(2)]
    assert len(people.calls("AssociateFaces", FaceIds=unlike)["AssociatedFaces"]) == 2, "no face before: no threshold"
    orthogonal = people.shot(3)
    refused = people.calls("AssociateFaces", FaceIds=[orthogonal], UserMatchThreshold=50.01)
    assert refused["UnsuccessfulFaceAssociations"][0]["Confidence"] == 50
    assert people.calls("AssociateFaces", FaceIds=[orthogonal], UserMatchThreshold=50)["AssociatedFaces"]


@pytest.mark.parametrize(("threshold", "taken"), [(None, False), (75, False), (74, True), (0, True)])
def test_default_threshold_is_75(people, threshold, taken):
    people.calls("AssociateFaces", FaceIds=[people.shot(1)])
    params = {} if threshold is None else {"UserMatchThreshold": threshold}
    answer = people.calls("AssociateFaces", FaceIds=[people.shot(1, 61)], **params)
    assert bool(answer["AssociatedFaces"]) is taken


def test_outcomes_of_a_disassociation(people):
    first, second, free, bobs = people.shot(1), people.shot(1, 20), people.shot(3), people.shot(2)
    people.calls("AssociateFaces", FaceIds=[first, second])
    people.calls("AssociateFaces", user="bob", FaceIds=[bobs])
    assert people.calls("DisassociateFaces", FaceIds=[free, bobs, GONE, second]) == {
        "DisassociatedFaces": [{"FaceId": second}],
        "UnsuccessfulFaceDisassociations": [
            {"FaceId": bobs, "UserId": "bob", "Reasons": ["ASSOCIATED_TO_A_DIFFERENT_USER"]},
            {"FaceId": GONE, "Reasons": ["FACE_NOT_FOUND"]},
        ],
        "UserStatus": "UPDATING",
    }
    match = people.call("SearchUsers", **ON, FaceId=first)["UserMatches"][0]
    assert match["Similarity"] == pytest.approx(100, abs=1e-3), "the vector is the one of the face that is left"


def test_the_vector_is_the_mean_of_the_faces(people):
    people.calls("AssociateFaces", FaceIds=[people.shot(1, 0)])
    people.calls("AssociateFaces", FaceIds=[people.shot(1, 40)])
    match = people.call("SearchUsers", **ON, FaceId=people.shot(1, 20))["UserMatches"][0]
    assert match["User"]["UserId"] == "ann"
    assert match["Similarity"] == pytest.approx(100, abs=0.01)


def test_a_hundred_faces(people):
    faces = [people.shot(1, name=str(i)) for i in range(102)]
    people.calls("AssociateFaces", FaceIds=faces[:99])
    with pytest.raises(QuotaError):
        people.calls("AssociateFaces", FaceIds=faces[99:101])
    assert len(people.calls("AssociateFaces", FaceIds=[*faces[:50], faces[99]])["AssociatedFaces"]) == 1
    with pytest.raises(QuotaError):
        people.calls("AssociateFaces", FaceIds=faces[101:])
    assert people.calls("AssociateFaces", FaceIds=faces[:100])["AssociatedFaces"] == []
    assert len(people.call("ListFaces", **ON, UserId="ann")["Faces"]) == 100


def test_versions_are_never_mixed(people):
    face = people.shot(1)
    people.engine.model_version = ModelVersion("2.0")
    with pytest.raises(InvalidParameterError, match=r"version 1\.0.*version 2\.0"):
        people.calls("AssociateFaces", FaceIds=[face])


def test_associations_at_the_same_time_all_count(people):
    faces = [people.shot(1, angle) for angle in range(0, 16, 2)]
    errors, barrier = [], threading.Barrier(len(faces))

    def work(face):
        barrier.wait()
        try:
            people.calls("AssociateFaces", FaceIds=[face])
        except ConflictError as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(face,)) for face in faces]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(people.call("ListFaces", **ON, UserId="ann")["Faces"]) == 8
    match = people.call("SearchUsers", **ON, FaceId=people.shot(1, 7))["UserMatches"][0]
    assert match["Similarity"] == pytest.approx(100, abs=0.01), "the vector has all eight faces in it"


def requests(people):
    face = people.shot(1)
    return [
        ("CreateUser", {"UserId": "new"}, {"UserId": "newer"}),
        ("AssociateFaces", {"UserId": "bob", "FaceIds": [face]}, {"UserId": "bob", "FaceIds": [GONE]}),
        ("DisassociateFaces", {"UserId": "bob", "FaceIds": [face]}, {"UserId": "ann", "FaceIds": [face]}),
        ("DeleteUser", {"UserId": "new"}, {"UserId": "ann"}),
    ]


def test_a_token_replays_the_answer(people):
    for operation, params, _ in requests(people):
        first = people.call(operation, **ON, **params, ClientRequestToken="token-1")
        people.engine.model_version = ModelVersion("9.0")  # what changed since does not matter to a replay
        assert people.call(operation, **ON, **params, ClientRequestToken="token-1") == first, operation
        people.engine.model_version = ModelVersion("1.0")


def test_a_token_with_other_inputs_is_refused(people):
    for operation, params, other in requests(people):
        people.call(operation, **ON, **params, ClientRequestToken="token-1")
        with pytest.raises(IdempotencyError) as refusal:
            people.call(operation, **ON, **other, ClientRequestToken="token-1")
        assert refusal.value.message == "The ClientRequestToken: token-1 you have supplied is already in use."


def test_the_threshold_and_the_collection_are_inputs(people):
    face = people.shot(1)
    people.calls("AssociateFaces", FaceIds=[face], ClientRequestToken="t")
    people.calls("AssociateFaces", FaceIds=[face], UserMatchThreshold=75, ClientRequestToken="t")
    with pytest.raises(IdempotencyError):
        people.calls("AssociateFaces", FaceIds=[face], UserMatchThreshold=76, ClientRequestToken="t")
    people.collection("others")
    with pytest.raises(IdempotencyError):
        people.call("AssociateFaces", CollectionId="others", UserId="ann", FaceIds=[face], ClientRequestToken="t")


def test_tokens_of_accounts_and_operations_do_not_meet(people):
    people.calls("CreateUser", user="new", ClientRequestToken="t")
    people.calls("DeleteUser", user="new", ClientRequestToken="t")
    people.call("CreateCollection", account=OTHER_ACCOUNT, **ON)
    people.call("CreateUser", account=OTHER_ACCOUNT, **ON, UserId="theirs", ClientRequestToken="t")
    assert people.call("ListUsers", account=OTHER_ACCOUNT, **ON)["Users"] == [
        {"UserId": "theirs", "UserStatus": "CREATED"}
    ]


def test_errors_are_not_replayed(people):
    with pytest.raises(NotFoundError):
        people.calls("DeleteUser", user="late", ClientRequestToken="t")
    people.calls("CreateUser", user="late")
    assert people.calls("DeleteUser", user="late", ClientRequestToken="t") == {}


def test_refusals_replay_whole(people):
    people.calls("AssociateFaces", FaceIds=[people.shot(1)])
    bobs = people.shot(2)
    people.calls("AssociateFaces", user="bob", FaceIds=[bobs])
    params = {"FaceIds": [bobs, people.shot(1, 85), GONE], "ClientRequestToken": "t"}
    first = people.calls("AssociateFaces", **params)
    assert len(first["UnsuccessfulFaceAssociations"]) == 3
    assert people.calls("AssociateFaces", **params) == first
