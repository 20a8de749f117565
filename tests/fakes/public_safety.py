"""A public-safety account on a live server, whose searches two persons have to confirm: its people and their keys.

In: a server. Out: access keys by name. One face, ``Anna.K``, is in its collection ``wanted``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

import boto3

from tests.fakes.engine import Square, picture
from tests.fakes.live import REGION, LiveServer

EVERYTHING = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "rekognition:*", "Resource": "*"}}
NAMES = ("asker", "ann", "bob")


class PublicSafety:
    """The account ``Coast Guard``."""

    def __init__(self, server: LiveServer) -> None:
        self._server = server
        made = self._ask(
            "account create",
            profile={"legal_name": "Coast Guard", "sector": "public-safety", "country": "NL"},
            stated={"purpose": "imminent-threat", "legal_basis": "public-task"},
        )
        self.account = str(made["account_id"])
        self.keys = {name: self._user(name) for name in NAMES}
        mine = self.client("asker")
        mine.create_collection(CollectionId="wanted", Tags={"custodes:thumbnails": "on"})
        mine.index_faces(CollectionId="wanted", Image={"Bytes": picture(Square(1))}, ExternalImageId="Anna.K")

    def client(self, name: str) -> Any:
        key = self.keys[name]
        return boto3.client(
            "rekognition",
            endpoint_url=self._server.url,
            region_name=REGION,
            aws_access_key_id=key["access_key_id"],
            aws_secret_access_key=key["secret_access_key"],
        )

    def search(self) -> None:
        """One search, whose result is held back."""
        self.client("asker").search_faces_by_image(
            CollectionId="wanted", Image={"Bytes": picture(Square(1, 2))}, FaceMatchThreshold=99.0
        )

    def _user(self, name: str) -> Mapping[str, Any]:
        self._ask("user create", user=name, account=self.account)
        document = {"owner": f"user/{name}", "name": "all", "text": json.dumps(EVERYTHING), "account": self.account}
        self._ask("document put", **document)
        return self._ask("key create", user=name, account=self.account)

    def _ask(self, operation: str, **members: object) -> Mapping[str, Any]:
        return self._server.deployment.administration.ask(operation, members, os.getuid())
