"""Collections: all of them, one with its faces and settings, made and deleted.

In: visits. Out: views over ListCollections, DescribeCollection, ListFaces and the rest; long lists come in pages that
the store reads by key, never by counting.
"""

from __future__ import annotations

from custodes.console.pages.addresses import collection_path
from custodes.console.pages.thumbnails import arn_of, keeps, pictures
from custodes.console.ports import Members
from custodes.console.visit import GoTo, View, Visit
from custodes.core.errors import InvalidParameterError
from custodes.operations.collections.thumbnails import ON, TAG

PAGE_SIZE = 50
FACES_PAGE_SIZE = 60
LISTING = ("ListCollections",)
SHOWING = ("DescribeCollection", "ListFaces", "GetFaceThumbnails")
PICTURES = ("DescribeCollection", "TagResource", "UntagResource")
SETTINGS = ("DescribeCollection", "ListTagsForResource", "ListFacesToReembed", "retention list")


def listing(visit: Visit) -> View:
    """All collections of the account, by name."""
    found = visit.api("ListCollections", MaxResults=PAGE_SIZE, NextToken=visit.query.get("after"))
    values = {"collections": found["CollectionIds"], "after": found.get("NextToken")}
    return View("collections.html", {**values, "continued": "after" in visit.query})


def create(visit: Visit) -> GoTo:
    """Make one."""
    name = visit.form.text("name")
    visit.api("CreateCollection", CollectionId=name)
    return GoTo(collection_path(name, "add"))


def show(visit: Visit) -> View:
    """The faces of one."""
    name, after = visit.path["collection"], visit.query.get("after")
    facts = visit.api("DescribeCollection", CollectionId=name) if after is None else {}
    found = visit.api("ListFaces", CollectionId=name, MaxResults=FACES_PAGE_SIZE, NextToken=after)
    shown = pictures(visit, name, found["Faces"])
    values = {"collection": name, "facts": facts, "faces": found["Faces"], "after": found.get("NextToken")}
    return View("collection_faces.html", {**values, "pictures": shown, "continued": after is not None})


def settings(visit: Visit) -> View:
    """How long faces are kept, tags, and the end of it all."""
    name = visit.path["collection"]
    facts = visit.api("DescribeCollection", CollectionId=name)
    tags = visit.api("ListTagsForResource", ResourceArn=facts["CollectionARN"])["Tags"]
    model = visit.api("ListFacesToReembed", CollectionId=name, MaxResults=1)
    values = {"collection": name, "facts": facts, "tags": tags, "days": _retention(visit, name), "keeps": keeps(tags)}
    return View("collection_settings.html", {**values, "model": model})


def switch(visit: Visit) -> GoTo:
    """Have the vectors of the server's network searched; refused while a face has none."""
    name = visit.path["collection"]
    visit.api("SwitchFaceModel", CollectionId=name)
    return GoTo(collection_path(name, "settings"))


def retain(visit: Visit) -> GoTo:
    """Set for how many days faces are kept; the operator's command."""
    name, text = visit.path["collection"], visit.form.text("days")
    if text and not (text.isascii() and text.isdigit() and len(text) < 7):
        raise InvalidParameterError("A number of days is a whole number.")
    visit.admin("retention set", collection=name, days=int(text) if text else None)
    return GoTo(collection_path(name, "settings"))


def keep_pictures(visit: Visit) -> GoTo:
    """Have small pictures of faces kept from now on, or no longer; those that are there stay until their face goes."""
    name = visit.path["collection"]
    arn = arn_of(visit, name)
    if visit.form.text("keep"):
        visit.api("TagResource", ResourceArn=arn, Tags={TAG: ON})
    else:
        visit.api("UntagResource", ResourceArn=arn, TagKeys=[TAG])
    return GoTo(collection_path(name, "settings"))


def delete(visit: Visit) -> GoTo:
    """Delete one with all its faces. Its name has to be typed, so that nobody does it by a slip."""
    name = visit.path["collection"]
    if visit.form.text("name") != name:
        raise InvalidParameterError(visit.words("collections.name_differs"))
    visit.api("DeleteCollection", CollectionId=name)
    return GoTo("/console/collections")


def _retention(visit: Visit, name: str) -> int | None:
    if not visit.is_operator:
        return None
    rules: list[Members] = visit.admin("retention list")["rules"]
    own = (rule for rule in rules if (rule["account"], rule["collection"]) == (visit.caller.account_id, name))
    return next((int(rule["days"]) for rule in own), None)
