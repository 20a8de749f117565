"""Archives of collections: a sealed file with faces, vectors and users, which another server of the same model takes.

In: a collection through the API, or a file and its key. Out: the file and its key, or faces in a collection. The file
is a sealed stream of JSON lines, see docs/archives.md; the key is made here, for this file alone, and stays with
whoever has it. It decides nothing: every page is a use on record.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from custodes.cli.client.api import ApiClient
from custodes.cli.client.paging import pages
from custodes.core.errors import InvalidParameterError, UnavailableError
from custodes.storage.backup.sealing import KEY_BYTES, SealedReader, SealedWriter

MAGIC = b"CUSTARC\x01"
FORMAT = "custodes-faces"
_PAGE = 500
_READ_BYTES = 1 << 20


def write_archive(api: ApiClient, collection: str, file: Path, key_file: Path) -> int:
    """Write a collection into new files; how many faces. A file that is not whole is removed.

    Raises:
        InvalidParameterError: one of the files is there already.
        ApiFailureError: the API refuses.
    """
    key = os.urandom(KEY_BYTES)
    with ExitStack() as unfinished:
        with _new(key_file, unfinished) as out:
            out.write(key.hex().encode() + b"\n")
        with _new(file, unfinished) as out:
            sealed = SealedWriter(out, key, MAGIC)
            count = _write(api, collection, sealed)
            sealed.finish()
        unfinished.pop_all()
    return count


def read_archive(file: Path, key_file: Path) -> tuple[dict[str, Any], Iterator[dict[str, Any]]]:
    """The first line, and faces as the API has them.

    Raises:
        InvalidParameterError: these are no archive and its key.
        UnavailableError: damaged, cut short, or sealed with another key.
    """
    try:
        key = bytes.fromhex(key_file.read_text("ascii").strip())
    except (ValueError, UnicodeDecodeError):
        key = b""
    if len(key) != KEY_BYTES:
        raise InvalidParameterError(f"{key_file} is no key of an archive")
    found = _lines(file, key)
    head = next(found, {})
    if head.get("format") != FORMAT or head.get("v") != 1:
        raise InvalidParameterError(f"{file} is no archive that this version reads")
    return head, map(_face, found)


def import_faces(
    api: ApiClient, collection: str, model_version: str, faces: Iterator[dict[str, Any]]
) -> dict[str, Any]:
    """Put ``faces`` into a collection, a page at a time; what came of all."""
    total: dict[str, Any] = {"added": 0, "present": 0, "joined": 0, "erased": []}
    page: list[dict[str, Any]] = []
    for face in faces:
        page.append(face)
        if len(page) == _PAGE:
            _put(api, collection, model_version, page, total)
            page = []
    if page:
        _put(api, collection, model_version, page, total)
    return total


def _put(
    api: ApiClient, collection: str, model_version: str, page: list[dict[str, Any]], total: dict[str, Any]
) -> None:
    answer = api.call("ImportFaces", CollectionId=collection, FaceModelVersion=model_version, Faces=page)
    total["added"] += answer["Added"]
    total["present"] += answer["Present"]
    total["joined"] += answer["Joined"]
    total["erased"] += answer["Erased"]


def _write(api: ApiClient, collection: str, out: SealedWriter) -> int:
    about = api.call("DescribeCollection", CollectionId=collection)
    version, count = about["FaceModelVersion"], 0
    head = {"format": FORMAT, "v": 1, "collection_id": collection, "model_version": version}
    out.write(json.dumps(head).encode() + b"\n")
    for page in pages(api, "ExportFaces", CollectionId=collection, MaxResults=_PAGE):
        if page["FaceModelVersion"] != version:
            raise UnavailableError("the collection was replaced meanwhile")
        for face in page["Faces"]:
            out.write(json.dumps(_line(face)).encode() + b"\n")
            count += 1
    return count


def _line(face: Any) -> dict[str, Any]:
    box, vector = face["BoundingBox"], face["Vector"]
    line = {
        "face_id": face["FaceId"],
        "image_id": face["ImageId"],
        "external_image_id": face.get("ExternalImageId"),
        "user_id": face.get("UserId"),
        "box": [box[name] for name in ("Left", "Top", "Width", "Height")],
        "confidence_pct": face["Confidence"],
        "enrolled_ts_ms": face["EnrolledMillis"],
        # A server's answer has it in Base64, one of this process as it is.
        "vector": vector if isinstance(vector, str) else base64.b64encode(vector).decode(),
    }
    return {name: value for name, value in line.items() if value is not None}


def _face(line: dict[str, Any]) -> dict[str, Any]:
    try:
        face = {
            "FaceId": line["face_id"],
            "ImageId": line["image_id"],
            "ExternalImageId": line.get("external_image_id"),
            "UserId": line.get("user_id"),
            "BoundingBox": dict(zip(("Left", "Top", "Width", "Height"), line["box"], strict=True)),
            "Confidence": line["confidence_pct"],
            "EnrolledMillis": line["enrolled_ts_ms"],
            "Vector": base64.b64decode(line["vector"], validate=True),
        }
    except (KeyError, TypeError, ValueError):
        raise InvalidParameterError("a line of the archive is no face") from None
    return {name: value for name, value in face.items() if value is not None}


def _lines(file: Path, key: bytes) -> Iterator[dict[str, Any]]:
    with file.open("rb") as source:
        sealed, rest = SealedReader(source, key, MAGIC), b""
        while data := sealed.read(_READ_BYTES):
            *whole, rest = (rest + data).split(b"\n")
            yield from map(_parsed, whole)
        if rest:
            raise InvalidParameterError("the archive ends within a line")


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise InvalidParameterError("a line of the archive is not JSON")
    return found


def _new(file: Path, unfinished: ExitStack) -> IO[bytes]:
    """A new file that only its owner reads, removed where ``unfinished`` ends."""
    try:
        made = os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb")
    except FileExistsError:
        raise InvalidParameterError(f"{file} is there already") from None
    unfinished.callback(file.unlink, missing_ok=True)
    return made
