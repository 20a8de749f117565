"""What stands in tests where a server has its ledger: nothing is on record, nobody is screened, nothing is reviewed.

A server cannot be put together without the real ones; whoever wants none says so with these.
"""

from __future__ import annotations

from collections.abc import Sequence, Set

from custodes.core.errors import UnavailableError
from custodes.core.ids import AccountId, FaceId
from custodes.gallery.entities import Collection, CollectionKey, GalleryUser
from custodes.governance.review import Review
from custodes.operations.policy.facts import ScreeningFacts
from custodes.operations.requests.gate import Permit
from custodes.operations.reviews.reviews import Found


class UnrecordedErasures:
    """Stands in where there is no ledger."""

    def erase(self, key: CollectionKey, face_ids: Sequence[FaceId]) -> None:
        """Nothing."""

    def stayed(self, key: CollectionKey, face_ids: Sequence[FaceId]) -> None:
        """Nothing."""

    def erase_collection(self, collection: Collection) -> None:
        """Nothing."""

    def erase_user(self, key: CollectionKey, user: GalleryUser) -> None:
        """Nothing."""

    def created_user(self, key: CollectionKey, user: GalleryUser) -> None:
        """Nothing."""

    def erased(self, account_id: AccountId, face_ids: Sequence[FaceId]) -> Set[FaceId]:
        """None."""
        return frozenset()


class NoReviews:
    """A server that keeps no reviews releases nothing that needs one."""

    def hold(self, permit: Permit, found: Found) -> Review:
        """Raise UnavailableError."""
        raise UnavailableError("The result needs a review by two persons, and this server keeps none.")


class NoLists:
    """The screening of a server without sanctions lists: nobody can be, or needs to be, screened."""

    def of(self, account_id: AccountId) -> ScreeningFacts:
        """``not-required``."""
        return ScreeningFacts("not-required", 0, True)
