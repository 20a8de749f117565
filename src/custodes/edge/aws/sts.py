"""STS beside the API: the same address, the same signatures, AWS's Query protocol, XML answers.

In: a signed form with ``Action``. Out: XML, or a modelled error in STS's own words. Three operations answer; all others
of STS are refused by name. Members that we do not have (MFA, managed policies, federation) are refused, never ignored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from custodes.core.errors import NotSupportedError
from custodes.edge.aws import errors
from custodes.edge.aws.errors import ApiError
from custodes.edge.aws.model import Service, load_service
from custodes.edge.aws.query import QueryWire
from custodes.edge.aws.translate.route import Output, Params, gated
from custodes.edge.aws.wire import Handler
from custodes.operations.accounts.sts import (
    AssumeRole,
    CallerIdentity,
    GetCallerIdentity,
    GetSessionToken,
    Issued,
    SecurityTokens,
)
from custodes.operations.requests.gate import Gate

SERVICE = "sts"
MAX_BODY_BYTES = 128 * 1024
"""Fifty tags and a policy, each letter of them written as nine."""

_VERSION = "2011-06-15"
_CODES: Mapping[str, tuple[str, int]] = MappingProxyType(
    {
        errors.INTERNAL: ("InternalFailure", 500),
        errors.INVALID_PARAMETER: ("ValidationError", 400),
        errors.THROTTLED: ("Throttling", 400),
        errors.UNKNOWN_OPERATION: ("InvalidAction", 400),
        "AccessDeniedException": ("AccessDenied", 403),
        "ResourceNotFoundException": ("AccessDenied", 403),
        "ExpiredTokenException": ("ExpiredToken", 403),
        "IncompleteSignatureException": ("IncompleteSignature", 400),
        "InvalidSignatureException": ("SignatureDoesNotMatch", 403),
        "MalformedPolicyDocumentException": ("MalformedPolicyDocument", 400),
        "MissingAuthenticationTokenException": ("MissingAuthenticationToken", 403),
        "ServiceQuotaExceededException": ("PackedPolicyTooLarge", 400),
        "UnrecognizedClientException": ("InvalidClientTokenId", 403),
    }
)
"""What STS calls errors that the JSON API has other names for. A role that is not there looks like one that refuses."""


def open_sts() -> tuple[Service, QueryWire]:
    """The service's model, and its protocol."""
    service = load_service(SERVICE)
    return service, QueryWire(service, _VERSION, _CODES, MAX_BODY_BYTES)


def handlers(gate: Gate, tokens: SecurityTokens) -> dict[str, Handler]:
    """Handlers by operation."""
    return {
        "AssumeRole": gated(gate, _only(assume_role_command, _ASSUME_ROLE), tokens.assume_role, _assumed),
        "GetCallerIdentity": gated(gate, lambda _: GetCallerIdentity(), tokens.identity, _identity),
        "GetSessionToken": gated(gate, _only(session_command, _SESSION), tokens.session_token, issued_output),
    }


_ASSUME_ROLE = frozenset(
    {"RoleArn", "RoleSessionName", "DurationSeconds", "Policy", "Tags", "TransitiveTagKeys", "ExternalId"}
)
_SESSION = frozenset({"DurationSeconds"})


def _only(parse: Callable[[Params], Any], known: frozenset[str]) -> Callable[[Params], Any]:
    """Refuse what we would have to ignore: whoever asks for MFA must not get a session without."""

    def parse_known(params: Params) -> Any:
        strange = sorted(params.keys() - known)
        if strange:
            raise NotSupportedError(f"The parameter {strange[0]} is not supported by this server.")
        return parse(params)

    return parse_known


def assume_role_command(params: Params) -> AssumeRole:
    """Parameters of AssumeRole."""
    tags = params.get("Tags", [])
    keys = [tag["Key"] for tag in tags]
    if len({key.lower() for key in keys}) != len(keys):
        raise ApiError(
            errors.INVALID_PARAMETER, "Duplicate tag keys found. Please note that Tag keys are case insensitive."
        )
    return AssumeRole(
        role_arn=params["RoleArn"],
        session_name=params["RoleSessionName"],
        duration_s=params.get("DurationSeconds"),
        policy=params.get("Policy", ""),
        tags={tag["Key"]: tag["Value"] for tag in tags},
        transitive=tuple(params.get("TransitiveTagKeys", ())),
        external_id=params.get("ExternalId", ""),
    )


def session_command(params: Params) -> GetSessionToken:
    """Parameters of GetSessionToken."""
    return GetSessionToken(duration_s=params.get("DurationSeconds"))


def _identity(found: CallerIdentity) -> Output:
    return {"UserId": found.user_id, "Account": found.account_id, "Arn": found.arn}


def issued_output(issued: Issued) -> Output:
    """Output of GetSessionToken."""
    return {"Credentials": _credentials(issued)}


def _assumed(issued: Issued) -> Output:
    return {
        "Credentials": _credentials(issued),
        "AssumedRoleUser": {"AssumedRoleId": issued.session_id, "Arn": issued.arn},
        "PackedPolicySize": issued.packed_pct,
    }


def _credentials(issued: Issued) -> Output:
    return {
        "AccessKeyId": issued.access_key_id,
        "SecretAccessKey": issued.secret,
        "SessionToken": issued.token,
        "Expiration": issued.expires_ts_ms // 1000,
    }
