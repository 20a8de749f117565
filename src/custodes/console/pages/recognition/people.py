"""People of a collection: users of the API, each with faces. In: visits. Out: views over ListUsers and its kin."""

from __future__ import annotations

from custodes.console.pages.addresses import collection_path
from custodes.console.pages.thumbnails import pictures
from custodes.console.visit import GoTo, View, Visit

LISTING = ("DescribeCollection", "ListUsers")
ONE = ("ListFaces", "GetFaceThumbnails")
TAKING = ("DisassociateFaces",)
PAGE_SIZE = 50
_FACES = 100


def listing(visit: Visit) -> View:
    """Everybody in a collection."""
    collection, after = visit.path["collection"], visit.query.get("after")
    facts = visit.api("DescribeCollection", CollectionId=collection) if after is None else {}
    found = visit.api("ListUsers", CollectionId=collection, MaxResults=PAGE_SIZE, NextToken=after)
    values = {"collection": collection, "facts": facts, "people": found["Users"], "after": found.get("NextToken")}
    return View("people.html", {**values, "continued": after is not None})


def create(visit: Visit) -> GoTo:
    """A new person without faces."""
    collection, person = visit.path["collection"], visit.form.text("person")
    visit.api("CreateUser", CollectionId=collection, UserId=person)
    return GoTo(collection_path(collection, "people", person))


def show(visit: Visit) -> View:
    """One person and their faces."""
    collection, person = visit.path["collection"], visit.path["person"]
    found = visit.api("ListFaces", CollectionId=collection, UserId=person, MaxResults=_FACES)
    values = {"collection": collection, "person": person, "faces": found["Faces"], "refused": None}
    values["pictures"] = pictures(visit, collection, found["Faces"])
    return View("person.html", values)


def associate(visit: Visit) -> View:
    """Give faces to a person: those that look like the ones there already."""
    collection, person = visit.path["collection"], visit.path["person"]
    faces = visit.form.text("faces").replace(",", " ").split()
    answer = visit.api("AssociateFaces", CollectionId=collection, UserId=person, FaceIds=faces)
    return View("person.html", {**show(visit).values, "refused": answer["UnsuccessfulFaceAssociations"]})


def disassociate(visit: Visit) -> GoTo:
    """Take faces from a person; they stay in the collection."""
    collection, person = visit.path["collection"], visit.path["person"]
    visit.api("DisassociateFaces", CollectionId=collection, UserId=person, FaceIds=list(visit.form.all("face")))
    return GoTo(collection_path(collection, "people", person))


def delete(visit: Visit) -> GoTo:
    """End a person; their faces stay."""
    collection = visit.path["collection"]
    visit.api("DeleteUser", CollectionId=collection, UserId=visit.path["person"])
    return GoTo(collection_path(collection, "people"))
