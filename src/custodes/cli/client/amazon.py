"""Amazon's own services, as the user's AWS clients reach them: the source of a migration.

In: a profile and a region. Out: calls, with all pages joined. It never goes where ``custodes env`` points AWS clients:
what is copied from there would be our own. It changes nothing at Amazon.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from custodes.cli.client.api import ApiFailureError
from custodes.cli.client.identity import is_ours
from custodes.core.errors import UnavailableError

_PARTS = {"list_collections": "CollectionIds", "list_faces": "Faces", "list_users": "Users"}


class AmazonClient:
    """Rekognition and S3 with the user's credentials; ``endpoint`` stands in for Amazon's own addresses."""

    def __init__(self, profile: str | None, region: str | None, endpoint: str | None) -> None:
        """Find credentials as AWS clients do.

        Raises:
            UnavailableError: there are none, or they are of a Custodes server.
        """
        try:
            session = boto3.session.Session(profile_name=profile, region_name=region)
            credentials = session.get_credentials()
            if credentials is None or (endpoint is None and is_ours(credentials.access_key)):
                raise UnavailableError(
                    "there are no credentials of Amazon's: name a --profile, in a shell without `custodes env`"
                )
            config = Config(ignore_configured_endpoint_urls=True, retries={"mode": "adaptive"})
            self._rekognition = session.client("rekognition", endpoint_url=endpoint, config=config)
            self._s3 = session.client("s3", endpoint_url=endpoint, config=config)
        except BotoCoreError as error:
            raise UnavailableError(str(error)) from error

    def call(self, method: str, **members: Any) -> Mapping[str, Any]:
        """Answer of a method of boto3's Rekognition client. Raises ApiFailureError, UnavailableError."""
        return _answered(lambda: getattr(self._rekognition, method)(**members))

    def listed(self, method: str, **members: Any) -> Iterator[Any]:
        """Items of all pages. Raises as ``call``."""
        token: str | None = None
        while True:
            answer = self.call(method, **members, **({"NextToken": token} if token else {}))
            yield from answer[_PARTS[method]]
            token = answer.get("NextToken")
            if not token:
                return

    def keys(self, bucket: str, prefix: str) -> Iterator[str]:
        """Keys of a bucket. Raises as ``call``."""
        token: str | None = None
        while True:
            more = {"ContinuationToken": token} if token else {}
            answer = _answered(lambda more=more: self._s3.list_objects_v2(Bucket=bucket, Prefix=prefix, **more))
            yield from (item["Key"] for item in answer.get("Contents", ()))
            token = answer.get("NextContinuationToken")
            if not token:
                return

    def read(self, bucket: str, key: str) -> bytes:
        """Content of an object. Raises as ``call``."""
        answer = _answered(lambda: self._s3.get_object(Bucket=bucket, Key=key))
        content: bytes = answer["Body"].read()
        return content


def _answered(call: Any) -> Mapping[str, Any]:
    try:
        answer: Mapping[str, Any] = call()
    except ClientError as error:
        value = error.response["Error"]
        raise ApiFailureError(value.get("Code", "Unknown"), f"Amazon: {value.get('Message', '')}") from error
    except BotoCoreError as error:
        raise UnavailableError(f"Amazon: {error}") from error
    return answer
