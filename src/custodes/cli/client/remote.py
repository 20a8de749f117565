"""The API on a running server, through boto3 like any other client."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from custodes.cli.client.api import ApiFailureError
from custodes.core.errors import InvalidParameterError, UnavailableError


class RemoteApi:
    """Calls a server; boto3 clients are thread-safe."""

    def __init__(self, url: str, region: str, key: tuple[str, ...] | None) -> None:
        """Call ``url`` with ``key`` (id, secret, perhaps a token), or with what AWS clients find when it is None."""
        session = _session(region, key)
        config = Config(retries={"mode": "standard", "total_max_attempts": 4}, max_pool_connections=32)
        self._client = session.client("rekognition", endpoint_url=url, config=config)
        self._methods = {api: method for method, api in self._client.meta.method_to_api_mapping.items()}
        self._url = url

    @classmethod
    def assuming(
        cls, url: str, region: str, key: tuple[str, str] | None, role: str, tags: Mapping[str, str]
    ) -> RemoteApi:
        """Call ``url`` as the role with ARN ``role``, whose session states ``tags``.

        Raises:
            ApiFailureError: the role may not be assumed.
            UnavailableError: the server cannot be reached.
        """
        client = _session(region, key).client("sts", endpoint_url=url)
        stated = [{"Key": name, "Value": value} for name, value in tags.items()]
        try:
            found = client.assume_role(RoleArn=role, RoleSessionName="custodes", Tags=stated)["Credentials"]
        except ClientError as error:
            value = error.response["Error"]
            raise ApiFailureError(value.get("Code", "Unknown"), value.get("Message", "")) from error
        except BotoCoreError as error:
            raise UnavailableError(f"{url}: {error}") from error
        return cls(url, region, (found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"]))

    @property
    def place(self) -> str:
        """The server's URL."""
        return self._url

    def call(self, operation: str, **members: Any) -> Mapping[str, Any]:
        """See Api."""
        try:
            answer: Mapping[str, Any] = getattr(self._client, self._methods[operation])(**members)
        except ClientError as error:
            value = error.response["Error"]
            raise ApiFailureError(value.get("Code", "Unknown"), value.get("Message", "")) from error
        except ParamValidationError as error:
            raise InvalidParameterError(str(error)) from error
        except BotoCoreError as error:
            raise UnavailableError(f"{self._url}: {error}") from error
        return answer


def _session(region: str, key: tuple[str, ...] | None) -> boto3.session.Session:
    secrets = dict(zip(("aws_access_key_id", "aws_secret_access_key", "aws_session_token"), key or (), strict=False))
    return boto3.session.Session(**secrets, region_name=region)
