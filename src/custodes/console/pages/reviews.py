"""Reviews: results that two persons have to confirm, each for themselves, side by side with the face searched for.

In: visits of users with a key of their own. Out: views over ListReviews, GetReview and the decisions. Who may decide,
and what is shown to whom, is decided by the operations.
"""

from __future__ import annotations

from custodes.console.visit import GoTo, View, Visit
from custodes.console.web.rendering import segment

LISTING = ("ListReviews",)
ONE = ("GetReview",)
DECIDING = ("ConfirmReview", "RejectReview", "ReleaseReview")
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
    return View("review.html", {"review": visit.review("GetReview", visit.path["review"])})


def decide(visit: Visit) -> View | GoTo:
    """Confirm, reject or release it."""
    operation, token = _DECISIONS.get(visit.form.text("decision"), "ReleaseReview"), visit.path["review"]
    members = {} if operation == "ReleaseReview" else {"reason": visit.form.text("reason")}
    found = visit.review(operation, token, **members)
    if operation == "ReleaseReview":
        return View("review.html", {"review": found})
    return GoTo(f"/console/reviews/{segment(token)}")
