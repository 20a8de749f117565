"""What every GalleryStore promises."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from custodes.core.errors import AlreadyExistsError, ConflictError, NotFoundError, QuotaError
from custodes.core.ids import AccountId, CollectionId, FaceId, ImageId, ModelVersion, UserId
from custodes.gallery.entities import (
    CollectionKey,
    Face,
    GalleryUser,
    IdempotentReply,
    OutdatedError,
    RetentionRule,
    UserSeen,
    UserStatus,
)
from custodes.gallery.ports import GalleryStore
from tests.fakes.vectors import KEY, collection, new_face, units

OTHER = CollectionKey(AccountId("222222222222"), KEY.collection_id)
ANN, BOB = UserId("ann"), UserId("bob")


def enrolled(store: GalleryStore, count: int, seed: int = 0) -> tuple[Face, ...]:
    return store.add_faces(KEY, [new_face(vector) for vector in units(seed, count)])


@pytest.fixture
def filled(store: GalleryStore) -> GalleryStore:
    store.create_collection(collection(), {})
    return store


def ids(*faces: Face) -> list[FaceId]:
    return [face.face_id for face in faces]


def test_collections_are_listed_by_id_in_pages_and_per_account(store: GalleryStore) -> None:
    for name in ("b", "a.2", "C", "a-1"):
        store.create_collection(collection(replace(KEY, collection_id=CollectionId(name))), {})
    store.create_collection(collection(OTHER), {})
    first = store.collections(KEY.account_id, None, 3)
    assert [item.key.collection_id for item in first.items] == ["C", "a-1", "a.2"]
    assert first.last == "a.2"
    second = store.collections(KEY.account_id, str(first.last), 1)
    assert [item.key.collection_id for item in second.items] == ["b"]
    assert second.last is None
    assert store.collections(KEY.account_id, None, 0).items == ()


def test_a_collection_exists_once_and_knows_what_it_was_made_with(filled: GalleryStore) -> None:
    with pytest.raises(AlreadyExistsError):
        filled.create_collection(collection(dimension=16), {})
    assert filled.collection(KEY) == collection()
    with pytest.raises(NotFoundError):
        filled.collection(OTHER)


def test_a_deleted_collection_takes_everything_with_it(filled: GalleryStore) -> None:
    old = enrolled(filled, 2)
    filled.put_tags(KEY, {"a": "1"})
    filled.create_user(KEY, ANN)
    filled.set_user_faces(KEY, ANN, add=ids(old[0]), remove=[], vector=units(1, 1)[0])
    filled.delete_collection(KEY)
    with pytest.raises(NotFoundError):
        filled.delete_collection(KEY)
    filled.create_collection(collection(dimension=16), {})
    assert filled.tags(KEY) == {}
    assert filled.collection(KEY) == collection(dimension=16)
    assert list(filled.face_vectors(KEY)) == list(filled.user_vectors(KEY)) == []
    assert filled.faces_by_row(KEY, [face.row for face in old]) == {}
    new = filled.add_faces(KEY, [new_face(units(2, 1, 16)[0])])
    assert new[0].row > old[-1].row


def test_faces_come_back_as_enrolled(filled: GalleryStore) -> None:
    vectors = units(3, 3)
    new = [new_face(vectors[0], image="i1", name="x"), new_face(vectors[1], image="i1"), new_face(vectors[2])]
    faces = filled.add_faces(KEY, new)
    for face, source in zip(faces, new, strict=True):
        assert (face.face_id, face.image_id, face.external_image_id, face.box_ratio, face.confidence_pct) == (
            source.face_id,
            source.image_id,
            source.external_image_id,
            source.box_ratio,
            source.confidence_pct,
        )
        assert face.model_version == "1.0"
        assert face.user_id is None
    assert [face.row for face in faces] == sorted(face.row for face in faces)
    assert filled.faces_of_image(KEY, ImageId("i1")) == faces[:2]
    assert filled.faces_by_id(KEY, [faces[2].face_id, FaceId("none"), faces[0].face_id]) == {
        faces[2].face_id: faces[2],
        faces[0].face_id: faces[0],
    }
    assert filled.faces_by_row(KEY, [faces[1].row, 10**12]) == {faces[1].row: faces[1]}
    assert filled.vectors(KEY, [faces[2].row, faces[0].row]).tobytes() == vectors[[2, 0]].tobytes()
    assert filled.collection(KEY).face_count == 3


def test_thousands_of_rows_are_looked_up_in_the_order_asked_for(filled: GalleryStore) -> None:
    faces = enrolled(filled, 7)
    rows = [*range(10**9, 10**9 + 2300), *(face.row for face in reversed(faces)), faces[0].row]
    found = filled.faces_by_row(KEY, rows)
    assert list(found.items()) == [(face.row, face) for face in reversed(faces)]
    assert filled.faces_by_row(KEY, []) == {}


def test_faces_are_listed_by_row_in_pages(filled: GalleryStore) -> None:
    faces = enrolled(filled, 7)
    first = filled.faces(KEY, None, 4)
    assert first.items == faces[:4]
    assert first.last == faces[3].row
    assert filled.faces(KEY, int(first.last), 3).items == faces[4:]
    assert filled.faces(KEY, int(first.last), 3).last is None
    wanted = [faces[5].face_id, faces[1].face_id, FaceId("none")]
    assert filled.faces(KEY, None, 10, face_ids=wanted).items == (faces[1], faces[5])


def test_enrolling_is_all_or_nothing(filled: GalleryStore) -> None:
    (face,) = enrolled(filled, 1)
    with pytest.raises(ConflictError):
        filled.add_faces(KEY, [new_face(units(4, 1)[0]), new_face(units(5, 1)[0], face.face_id)])
    with pytest.raises(ConflictError):
        filled.add_faces(KEY, [new_face(units(4, 1)[0], "twice"), new_face(units(5, 1)[0], "twice")])
    with pytest.raises(ValueError, match="unit length"):
        filled.add_faces(KEY, [new_face(units(4, 1)[0]), new_face(2 * units(5, 1)[0])])
    with pytest.raises(QuotaError):
        enrolled(filled, 30)
    with pytest.raises(NotFoundError):
        filled.add_faces(OTHER, [new_face(units(4, 1)[0])])
    assert filled.faces(KEY, None, 10).items == (face,)
    assert filled.collection(KEY).face_count == 1
    enrolled(filled, 29)


def test_a_picture_is_enrolled_once_whoever_else_enrols_it(filled: GalleryStore) -> None:
    vectors = units(11, 3)
    first, second, third = (new_face(vector, f"new-{number}") for number, vector in enumerate(vectors))
    there = [face.face_id for face in filled.faces_of_image(KEY, first.image_id)]
    (added,) = filled.add_faces(KEY, [first], there)
    with pytest.raises(OutdatedError):
        filled.add_faces(KEY, [second], there)
    filled.add_faces(KEY, [second], [*there, added.face_id])
    filled.delete_faces(KEY, [added.face_id])
    with pytest.raises(OutdatedError):
        filled.add_faces(KEY, [third], [*there, added.face_id, second.face_id])
    assert filled.faces_by_id(KEY, [third.face_id]) == {}


def test_a_thumbnail_is_kept_and_goes_with_its_face(filled: GalleryStore) -> None:
    first, second = enrolled(filled, 2)
    nobody = FaceId("00000000-0000-4000-8000-000000000000")
    filled.put_thumbnails(KEY, {second.face_id: b"two", first.face_id: b"one", nobody: b"none"})
    assert list(filled.thumbnails(KEY, [nobody, *ids(first, second)]).items()) == [
        (first.face_id, b"one"),
        (second.face_id, b"two"),
    ]
    filled.put_thumbnails(KEY, {first.face_id: b"again"})
    filled.delete_faces(KEY, ids(second))
    assert filled.thumbnails(KEY, ids(first, second)) == {first.face_id: b"again"}
    filled.delete_collection(KEY)
    filled.create_collection(collection(), {})
    assert filled.thumbnails(KEY, ids(first)) == {}
    with pytest.raises(NotFoundError):
        filled.thumbnails(OTHER, ids(first))


def test_rows_are_never_reused(filled: GalleryStore) -> None:
    faces = enrolled(filled, 3)
    assert filled.delete_faces(KEY, ids(faces[2], faces[1])) == (faces[1], faces[2])
    (later,) = enrolled(filled, 1)
    assert later.row > faces[2].row
    assert filled.collection(KEY).face_count == 2
    with pytest.raises(NotFoundError):
        filled.vectors(KEY, [faces[0].row, faces[1].row])
    assert filled.delete_faces(KEY, ids(faces[1])) == ()


def test_all_vectors_are_streamed(filled: GalleryStore) -> None:
    vectors = units(6, 5)
    faces = filled.add_faces(KEY, [new_face(vector) for vector in vectors])
    batches = list(filled.face_vectors(KEY))
    assert np.concatenate([rows for rows, _ in batches]).tolist() == [face.row for face in faces]
    assert np.concatenate([found for _, found in batches]).tobytes() == vectors.tobytes()


def test_a_user_lives_from_created_over_active_to_created(filled: GalleryStore) -> None:
    faces, vectors = enrolled(filled, 3), units(7, 2)
    filled.create_user(KEY, ANN)
    with pytest.raises(ConflictError):
        filled.create_user(KEY, ANN)
    user = filled.user(KEY, ANN)
    assert (user.status, user.face_count) == (UserStatus.CREATED, 0)
    assert filled.user_vector(KEY, ANN) is None
    active = filled.set_user_faces(KEY, ANN, add=ids(*faces[:2]), remove=[], vector=vectors[0], seen=user)
    assert (active.status, active.face_count) == (UserStatus.ACTIVE, 2)
    assert filled.user(KEY, ANN) == active
    assert filled.users_by_row(KEY, [active.row, 10**12]) == {active.row: active}
    assert [face.user_id for face in filled.faces(KEY, None, 10).items] == [ANN, ANN, None]
    assert filled.faces(KEY, None, 10, user_id=ANN).items == tuple(replace(face, user_id=ANN) for face in faces[:2])
    assert filled.faces(KEY, None, 10, user_id=BOB).items == ()
    found = filled.user_vector(KEY, ANN)
    assert found is not None
    assert found.tobytes() == vectors[0].tobytes()
    ((rows, streamed),) = filled.user_vectors(KEY)
    assert (rows.tolist(), streamed.tobytes()) == ([active.row], vectors[:1].tobytes())
    empty = filled.set_user_faces(KEY, ANN, add=[], remove=ids(*faces[:2]), vector=None, seen=active)
    assert (empty.status, empty.face_count) == (UserStatus.CREATED, 0)
    assert list(filled.user_vectors(KEY)) == []
    assert filled.collection(KEY).user_count == 1


def test_a_users_faces_are_not_deleted_and_survive_their_user(filled: GalleryStore) -> None:
    faces = enrolled(filled, 2)
    filled.create_user(KEY, ANN)
    filled.set_user_faces(KEY, ANN, add=ids(faces[0]), remove=[], vector=units(8, 1)[0])
    assert filled.delete_faces(KEY, ids(*faces)) == (faces[1],)
    filled.delete_user(KEY, ANN)
    assert filled.faces(KEY, None, 10).items == (faces[0],)
    assert filled.collection(KEY).user_count == 0
    for call in (filled.user, filled.user_vector, filled.delete_user):
        with pytest.raises(NotFoundError):
            call(KEY, ANN)


def test_outdated_views_of_a_user_are_refused(filled: GalleryStore) -> None:
    faces, vector = enrolled(filled, 4), units(9, 1)[0]
    for user_id in (ANN, BOB):
        filled.create_user(KEY, user_id)
    seen = filled.user(KEY, ANN)
    filled.set_user_faces(KEY, ANN, add=ids(faces[0]), remove=[], vector=vector, seen=seen)
    now = filled.user(KEY, ANN)

    def refused(user_id: UserId, add: list[FaceId], remove: list[FaceId], seen: GalleryUser | None = None) -> None:
        with pytest.raises(ConflictError):
            filled.set_user_faces(KEY, user_id, add=add, remove=remove, vector=vector, seen=seen)

    refused(ANN, ids(faces[1]), [], seen)
    refused(BOB, ids(faces[0]), [])
    refused(ANN, [FaceId("gone")], [])
    refused(ANN, [], ids(faces[2]))
    refused(ANN, [], ids(faces[0]))  # a vector without a face
    with pytest.raises(ConflictError):
        filled.set_user_faces(KEY, ANN, add=ids(faces[1]), remove=[], vector=None)
    with pytest.raises(NotFoundError):
        filled.set_user_faces(KEY, UserId("nobody"), add=ids(faces[1]), remove=[], vector=vector)
    assert filled.user(KEY, ANN) == now
    filled.delete_user(KEY, ANN)
    filled.create_user(KEY, ANN)
    filled.set_user_faces(KEY, ANN, add=ids(faces[3]), remove=[], vector=vector)
    refused(ANN, ids(faces[1]), [], now)  # another user of the same name


def test_a_user_has_room_for_a_limited_number_of_faces(filled: GalleryStore) -> None:
    faces, vector = enrolled(filled, 6), units(10, 1)[0]
    filled.create_user(KEY, ANN)
    with pytest.raises(QuotaError):
        filled.set_user_faces(KEY, ANN, add=ids(*faces), remove=[], vector=vector)
    filled.set_user_faces(KEY, ANN, add=ids(*faces[:5]), remove=[], vector=vector)
    assert filled.set_user_faces(KEY, ANN, add=ids(faces[0]), remove=[], vector=vector).face_count == 5
    swapped = filled.set_user_faces(KEY, ANN, add=ids(faces[5]), remove=ids(faces[0]), vector=vector)
    assert swapped.face_count == 5


def test_users_are_listed_by_id_in_pages(filled: GalleryStore) -> None:
    for name in ("b", "a", "C"):
        filled.create_user(KEY, UserId(name))
    first = filled.users(KEY, None, 2)
    assert [user.user_id for user in first.items] == ["C", "a"]
    assert first.last == "a"
    assert [user.user_id for user in filled.users(KEY, "a", 2).items] == ["b"]


def test_tags_are_merged_limited_and_dropped(store: GalleryStore) -> None:
    with pytest.raises(QuotaError):
        store.create_collection(collection(), dict.fromkeys("abcd", ""))
    with pytest.raises(NotFoundError):
        store.tags(KEY)
    store.create_collection(collection(), {"b": "1"})
    store.put_tags(KEY, {"a": "2", "b": "3"})
    with pytest.raises(QuotaError):
        store.put_tags(KEY, {"c": "", "d": ""})
    assert store.tags(KEY) == {"a": "2", "b": "3"}
    store.drop_tags(KEY, ["b", "zzz"])
    assert store.tags(KEY) == {"a": "2"}
    with pytest.raises(NotFoundError):
        store.put_tags(OTHER, {})


def test_replies_are_kept_per_account_operation_and_token_for_a_day(store: GalleryStore) -> None:
    day = 86_400_000
    reply = IdempotentReply(b"\x01" * 32, {"Status": "CREATED", "Items": [1, 2.5, None, {"é": True}]})
    store.keep_reply(KEY.account_id, "CreateUser", "t", reply, ts_ms=day)
    assert store.reply(KEY.account_id, "CreateUser", "t") == reply
    for account, operation, token in (
        (OTHER.account_id, "CreateUser", "t"),
        (KEY.account_id, "DeleteUser", "t"),
        (KEY.account_id, "CreateUser", "T"),
    ):
        assert store.reply(account, operation, token) is None
    store.keep_reply(KEY.account_id, "CreateUser", "t", IdempotentReply(b"\x02" * 32, {}), ts_ms=day)
    assert store.reply(KEY.account_id, "CreateUser", "t") == IdempotentReply(b"\x02" * 32, {})
    store.keep_reply(KEY.account_id, "CreateUser", "u", reply, ts_ms=2 * day)
    assert store.reply(KEY.account_id, "CreateUser", "t") is not None
    store.keep_reply(KEY.account_id, "CreateUser", "v", reply, ts_ms=2 * day + 1)
    assert store.reply(KEY.account_id, "CreateUser", "t") is None
    assert store.reply(KEY.account_id, "CreateUser", "u") == reply


def test_accounts_do_not_meet(filled: GalleryStore) -> None:
    (face,) = enrolled(filled, 1)
    filled.create_collection(collection(OTHER), {})
    assert filled.faces_by_id(OTHER, [face.face_id]) == {}
    assert filled.faces_by_row(OTHER, [face.row]) == {}
    assert filled.delete_faces(OTHER, [face.face_id]) == ()
    with pytest.raises(NotFoundError):
        filled.vectors(OTHER, [face.row])
    assert filled.faces(OTHER, None, 10).items == ()


def test_faces_are_found_by_their_age(filled: GalleryStore) -> None:
    one, two, three, four = filled.add_faces(
        KEY, [new_face(vector, ts_ms=ts) for vector, ts in zip(units(5, 4), (30, 10, 20, 10), strict=True)]
    )
    assert [face.enrolled_ts_ms for face in (one, two, three, four)] == [30, 10, 20, 10]
    assert filled.faces_enrolled_before(KEY, 30, 10) == (two, four, three)
    assert filled.faces_enrolled_before(KEY, 31, 2) == (two, four)
    assert filled.faces_enrolled_before(KEY, 10, 10) == filled.faces_enrolled_before(KEY, 31, 0) == ()
    assert filled.faces_by_id(KEY, ids(one)) == {one.face_id: one}
    with pytest.raises(NotFoundError):
        filled.faces_enrolled_before(OTHER, 1, 1)


def test_retention_rules_are_kept_per_collection_and_go_with_it(filled: GalleryStore) -> None:
    first = replace(KEY, collection_id=CollectionId("a"))
    filled.create_collection(collection(OTHER), {})
    filled.create_collection(collection(first), {})
    assert filled.retention_rules() == ()
    for key, days in ((KEY, 30), (OTHER, 2), (first, 1), (KEY, 7)):
        filled.set_retention_rule(key, days)
    wanted = [RetentionRule(KEY, 7), RetentionRule(OTHER, 2), RetentionRule(first, 1)]
    wanted.sort(key=lambda rule: (rule.key.account_id, rule.key.collection_id))
    assert filled.retention_rules() == tuple(wanted)
    filled.set_retention_rule(first, None)
    filled.set_retention_rule(first, None)
    filled.delete_collection(KEY)
    filled.create_collection(collection(), {})
    assert filled.retention_rules() == (RetentionRule(OTHER, 2),)
    with pytest.raises(ValueError, match="one day"):
        filled.set_retention_rule(KEY, 0)
    with pytest.raises(NotFoundError):
        filled.set_retention_rule(replace(KEY, collection_id=CollectionId("none")), 1)


def test_an_account_and_a_collection_have_room_for_so_many(filled: GalleryStore) -> None:
    for number in range(4):
        filled.create_collection(collection(replace(KEY, collection_id=CollectionId(f"more-{number}"))), {})
        filled.create_user(KEY, UserId(f"user-{number}"))
    with pytest.raises(QuotaError):
        filled.create_collection(collection(replace(KEY, collection_id=CollectionId("one-too-many"))), {})
    with pytest.raises(QuotaError):
        filled.create_user(KEY, UserId("one-too-many"))
    with pytest.raises(AlreadyExistsError):
        filled.create_collection(collection(), {})
    filled.create_collection(collection(OTHER), {})  # another account's room is its own
    filled.delete_user(KEY, UserId("user-0"))
    filled.create_user(KEY, UserId("now-there-is-room"))
    filled.delete_collection(replace(KEY, collection_id=CollectionId("more-0")))
    filled.create_collection(collection(replace(KEY, collection_id=CollectionId("now-there-is-room"))), {})


NEXT = ModelVersion("next")


def wider(seed: int, count: int) -> dict[int, np.ndarray]:
    """Unit vectors of another model, with more numbers."""
    found = np.zeros((count, collection().dimension + 2), np.float32)
    found[:, : collection().dimension] = units(seed, count)
    return dict(enumerate(found))


def test_vectors_of_another_model_wait_beside_and_take_their_place_at_once(filled: GalleryStore) -> None:
    faces, vectors, new = enrolled(filled, 3), units(20, 1), wider(21, 3)
    filled.create_user(KEY, ANN)
    filled.create_user(KEY, BOB)
    ann = filled.set_user_faces(KEY, ANN, add=ids(*faces[:2]), remove=[], vector=vectors[0])
    dimension, before = collection().dimension, np.concatenate([found for _, found in filled.face_vectors(KEY)])
    assert filled.stage_vectors(KEY, NEXT, {faces[0].face_id: new[0], FaceId("f" * 36): new[1]}) == 1
    assert [face.face_id for face in filled.unstaged(KEY, NEXT, None, 1).items] == ids(faces[1])
    assert filled.unstaged(KEY, NEXT, faces[1].row, 5).items == (faces[2],)
    assert (filled.unstaged_count(KEY, NEXT), filled.unstaged_count(KEY, ModelVersion("third"))) == (2, 3)
    assert filled.staged_vectors(KEY, NEXT, [faces[0].row]).tobytes() == new[0].tobytes()
    with pytest.raises(NotFoundError):
        filled.staged_vectors(KEY, NEXT, [faces[0].row, faces[1].row])
    assert np.concatenate([found for _, found in filled.face_vectors(KEY)]).tobytes() == before.tobytes()
    users = [UserSeen(ann, new[0]), UserSeen(filled.user(KEY, BOB), None)]
    with pytest.raises(ConflictError):
        filled.switch_vectors(KEY, NEXT, dimension + 2, users)
    filled.stage_vectors(KEY, NEXT, {faces[1].face_id: new[1]})
    assert filled.delete_faces(KEY, ids(faces[2])) == (faces[2],)
    with pytest.raises(ConflictError):
        filled.switch_vectors(KEY, NEXT, dimension + 2, users[:1])
    assert filled.collection(KEY).model_version == collection().model_version
    filled.switch_vectors(KEY, NEXT, dimension + 2, users)
    after = filled.collection(KEY)
    assert (after.model_version, after.dimension, after.face_count) == (NEXT, dimension + 2, 2)
    assert after.picture_version == collection().model_version
    ((_, found),) = filled.face_vectors(KEY)
    assert found.tobytes() == np.stack([new[0], new[1]]).tobytes()
    assert {face.model_version for face in filled.faces(KEY, None, 9).items} == {NEXT}
    assert filled.vectors(KEY, [faces[1].row]).tobytes() == new[1].tobytes()
    person = filled.user_vector(KEY, ANN)
    assert person is not None
    assert person.tobytes() == new[0].tobytes()
    with pytest.raises(ConflictError):  # computed from what was there before
        filled.set_user_faces(KEY, ANN, add=[], remove=ids(faces[1]), vector=new[0], seen=ann)
    with pytest.raises(ConflictError):
        filled.add_faces(KEY, [replace(new_face(new[2]), model_version=collection().model_version)])
    assert filled.unstaged_count(KEY, NEXT) == 2, "what waited is gone"
