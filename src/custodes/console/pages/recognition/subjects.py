"""Requests of data subjects: is my face in there, take it out, prove that it is gone.

In: a photo of the person who asks. Out: where a face like it is in the account's collections, with the ways to erase it
and to certify that. Every search is a use on record, so the asker can be told what was looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from custodes.console.pages.odds import odds_of
from custodes.console.visit import View, Visit
from custodes.core.errors import CustodesError, InvalidParameterError

MAX_COLLECTIONS = 25
MAX_MATCHES = 20
THRESHOLD_PCT = 90.0
SEARCHING = ("ListCollections", "SearchFacesByImage")


def page(_: Visit) -> View:
    """The form."""
    return View("subjects.html", {"found": None, "searched": 0, "more": False, "unsearched": ()})


def search(visit: Visit) -> View:
    """Look for the person in every collection of the account."""
    photo = visit.form.files.get("picture")
    if photo is None:
        raise InvalidParameterError(visit.words("try_it.choose_first"))
    listed = visit.api("ListCollections", MaxResults=MAX_COLLECTIONS)
    found, unsearched = [], []
    for collection in listed["CollectionIds"]:
        try:
            found += _matches(visit, collection, photo)
        except CustodesError as error:
            unsearched.append({"collection": collection, "why": error.message})
    values = {"found": found, "searched": len(listed["CollectionIds"]), "unsearched": unsearched}
    return View("subjects.html", {**values, "more": listed.get("NextToken") is not None})


def _matches(visit: Visit, collection: str, photo: bytes) -> list[Mapping[str, Any]]:
    answer = visit.api(
        "SearchFacesByImage",
        CollectionId=collection,
        Image={"Bytes": photo},
        MaxFaces=MAX_MATCHES,
        FaceMatchThreshold=THRESHOLD_PCT,
    )
    rate = visit.parts.false_match_rate
    return [
        {
            "collection": collection,
            "similarity": match["Similarity"],
            "odds": odds_of(match["Similarity"], rate),
            **match["Face"],
        }
        for match in answer["FaceMatches"]
    ]
