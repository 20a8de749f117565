"""CompreFace as a source: the faces of one recognition service, over its REST API.

In: its address and the key of the service. Out: one collection; a subject is a user with its examples. Source: its REST
API description, "List of All Saved Examples" and "Download an Image example": ``GET /api/v1/recognition/faces`` with
``page`` and ``size``, and ``/api/v1/recognition/faces/ID/img``, with the header ``x-api-key``. Where CompreFace was
told to store no images there is nothing to move.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from custodes.cli.client.api import ApiFailureError
from custodes.cli.migrate.source import SourceCollection, SourceFace
from custodes.core.errors import InvalidParameterError, UnavailableError
from custodes.operations.bulk.names import acceptable

CANNOT_MOVE = (
    "embeddings: CompreFace's numbers mean nothing to other networks; faces are indexed anew from the stored examples",
    "examples that CompreFace stored without their image",
    "similarities and thresholds: other numbers for the same pair, see docs/scores.md",
    "subjects without examples, accounts, applications, roles and API keys",
)
_PAGE = 500
_TIMEOUT_S = 60.0
_MAX_BYTES = 100 << 20


class CompreFace:
    """One recognition service. Implements ``SourcePhotos``: a picture is named by its example's id."""

    def __init__(self, url: str, key: str) -> None:
        """Ask ``url`` with the service's API key. Raises InvalidParameterError where it is no URL."""
        if not url.startswith(("http://", "https://")):
            raise InvalidParameterError(f"{url} is not a URL")
        self._url, self._key = url.rstrip("/"), key
        self._faces: tuple[Mapping[str, Any], ...] = ()

    def collection(self, name: str) -> SourceCollection:
        """All examples as a collection of that name. Raises ApiFailureError, UnavailableError."""
        found: list[Mapping[str, Any]] = []
        page, pages = 0, 1
        while page < pages:
            answer = json.loads(self._get(f"/api/v1/recognition/faces?page={page}&size={_PAGE}"))
            found += answer["faces"]
            page, pages = page + 1, int(answer.get("total_pages", 1))
        self._faces = tuple(found)
        faces = tuple(
            SourceFace(
                str(one["image_id"]), acceptable(one["subject"]), acceptable(one["subject"]), None, str(one["image_id"])
            )
            for one in found
        )
        return SourceCollection(name, faces)

    def keys(self) -> Sequence[str]:
        """See SourcePhotos."""
        return [str(one["image_id"]) for one in self._faces]

    def read(self, key: str) -> bytes:
        """See SourcePhotos."""
        content = self._get(f"/api/v1/recognition/faces/{quote(key, safe='')}/img")
        if not content:
            raise UnavailableError("CompreFace has no image of it")
        return content

    def _get(self, path: str) -> bytes:
        # The address was checked to be http or https.
        request = urllib.request.Request(f"{self._url}{path}", headers={"x-api-key": self._key})  # noqa: S310
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=_TIMEOUT_S) as answer:
                content: bytes = answer.read(_MAX_BYTES)
        except urllib.error.HTTPError as error:
            raise ApiFailureError(str(error.code), f"CompreFace refuses {path.partition('?')[0]}") from error
        except OSError as error:
            raise UnavailableError(f"{self._url} does not answer") from error
        return content
