"""Reviews: results that two persons have to confirm, each for themselves, side by side with the face searched for.

In: visits of users with a key of their own. Out: views over ListReviews, GetReview and the decisions. Who may decide,
and what is shown to whom, is decided by the operations.
"""

from __future__ import annotations

from custodes.console.pages.thumbnails import pictures
from custodes.console.ports import Members
from custodes.console.visit import GoTo, View, Visit
from custodes.console.web.rendering import segment
from custodes.core.errors import CustodesError

LISTING = ("ListReviews",)
ONE = ("GetReview", "GetFaceThumbnails")
DECIDING = ("ConfirmReview", "RejectReview", "ReleaseReview", "GetFaceThumbnails")
PAGE_SIZE = 50
_DECISIONS = {"confirm": "ConfirmReview", "reject": "RejectReview", "release": "ReleaseReview"}


def listing(visit: Visit) -> View:
    """Reviews of the account, oldest first."""
    after = visit.query.get("after")
    found = visit.review("ListReviews", limit=PAGE_SIZE, after=after or "")
    values = {"reviews": found["reviews"], "after": found.get("next"), "continued": after is not None}
    return View("reviews.html", values)


def show(visit: Visit) -> View:
    """One, as the caller may see it."""
    return _shown(visit, visit.review("GetReview", visit.path["review"]))


def decide(visit: Visit) -> View | GoTo:
    """Confirm, reject or release it."""
    operation, token = _DECISIONS.get(visit.form.text("decision"), "ReleaseReview"), visit.path["review"]
    members = {} if operation == "ReleaseReview" else {"reason": visit.form.text("reason")}
    found = visit.review(operation, token, **members)
    if operation == "ReleaseReview":
        return _shown(visit, found)
    return GoTo(f"/console/reviews/{segment(token)}")


def _shown(visit: Visit, review: Members) -> View:
    """A review with the small pictures of those it may name, where their collection keeps any."""
    faces = [{"FaceId": one["face_id"]} for one in review["candidates"] if "face_id" in one]
    try:
        found = pictures(visit, str(review["collection_id"]), faces)
    except CustodesError:
        found = {}  # not everybody who reviews may look at faces; the refusal is on record
    return View("review.html", {"review": review, "pictures": found})
