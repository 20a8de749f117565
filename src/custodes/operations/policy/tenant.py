"""The tenant's layer: what an account's own policies say about a call of one of its roots, users and role sessions.

In: an intent, the directory of accounts, tags of collections where a policy looks at them. Out: a decision with the
statement that made it. The root of an account may do everything in it; a user or role without documents nothing. All
of it is in memory, but for tags of collections, which are read only when a policy of the caller or of the collection
asks about them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from custodes.core.errors import CustodesError, NotFoundError
from custodes.core.ids import CollectionId
from custodes.gallery.entities import CollectionKey
from custodes.governance.accounts.identities import ROOT
from custodes.governance.iam.document import Document
from custodes.governance.iam.evaluate import AccessRequest, IamDecision, Policies, Reason, evaluate
from custodes.governance.iam.pattern import PolicyError
from custodes.governance.iam.trust import may_assume
from custodes.operations.accounts.condition_keys import conditions
from custodes.operations.accounts.directory import AccountDirectory
from custodes.operations.accounts.policy_documents import COLLECTION
from custodes.operations.requests.context import Caller
from custodes.operations.requests.gate import Intent
from custodes.operations.requests.principals import identity_arn

ASSUME_ROLE, TAG_SESSION = "sts:AssumeRole", "sts:TagSession"
_FREE = frozenset({"sts:GetCallerIdentity", "sts:GetSessionToken"})
"""As in AWS, nobody needs a permission to ask who they are, or for a session of their own."""
_ROOT = IamDecision(True, Reason.IDENTITY_ALLOW, "root")
_SELF = IamDecision(True, Reason.IDENTITY_ALLOW, "self")
_NOBODY = IamDecision(False, Reason.NO_ALLOW)
_RESOURCE_TAG = "aws:resourcetag/"

Tags = Callable[[CollectionKey], Mapping[str, str]]


class AccountPolicies:
    """Decides by the documents in the directory."""

    def __init__(self, directory: AccountDirectory, tags: Tags) -> None:
        """Look policies up in ``directory``; ``tags`` gives those of a collection, raising NotFoundError for none."""
        self._directory = directory
        self._tags = tags

    def decide(self, intent: Intent) -> IamDecision:
        """Whether the caller's account lets the caller do it. Raises nothing for what a caller can cause."""
        caller = intent.context.caller
        if intent.action in _FREE:
            return _SELF
        if intent.action == ASSUME_ROLE:
            return self._assume(intent)
        if caller.principal.path == ROOT and not _session_policy(caller):
            return _ROOT
        policies = self._policies(caller, intent.resource)
        return _NOBODY if policies is None else evaluate(self._request(intent, intent.action, policies), policies)

    def _assume(self, intent: Intent) -> IamDecision:
        """For a role of the caller's own account; any other is refused alike, there or not."""
        caller = intent.context.caller
        name = intent.resource.rpartition("/")[2]
        try:
            role = self._directory.role(caller.account_id, name)
            trust = self._directory.documents.trust(role.name, role.trust)
        except CustodesError:
            return _NOBODY
        policies = self._policies(caller, intent.resource)
        if policies is None or intent.resource != identity_arn(caller.account_id, f"role/{role.name}", caller.region):
            return _NOBODY
        answer = may_assume(self._request(intent, ASSUME_ROLE, policies, trust), policies, trust)
        if answer.allowed and intent.facts.get("request_tags"):
            answer = may_assume(self._request(intent, TAG_SESSION, policies, trust), policies, trust)
        return answer

    def _policies(self, caller: Caller, resource: str) -> Policies | None:
        """The policies that concern caller and resource; None where the session's own cannot be read."""
        documents, account = self._directory.documents, caller.account_id
        boundaries: tuple[Document, ...] = ()
        limit = _session_policy(caller)
        if limit:
            try:
                boundaries = (documents.session_policy(limit),)
            except PolicyError:
                return None
        if caller.principal.path == ROOT:
            return Policies((documents.everything,), (), boundaries)
        collection = resource.partition(":collection/")[2]
        attached = documents.of(account, COLLECTION + collection) if collection else ()
        return Policies(documents.of(account, caller.principal.path), attached, boundaries)

    def _request(self, intent: Intent, action: str, policies: Policies, *more: Document) -> AccessRequest:
        caller = intent.context.caller
        keys = frozenset[str]().union(
            *(found.keys for found in (*policies.identity, *policies.resource, *policies.boundaries, *more))
        )
        tags = self._resource_tags(caller, intent.resource) if _looks_at_tags(keys) else {}
        role = caller.principal.path
        return AccessRequest(
            caller.arn,
            caller.account_id,
            action,
            intent.resource,
            conditions(intent, keys, tags),
            identity_arn(caller.account_id, role, caller.region) if role.startswith("role/") else None,
        )

    def _resource_tags(self, caller: Caller, resource: str) -> Mapping[str, str]:
        """Tags of a collection of the caller's account; none where there is no such collection."""
        collection = resource.partition(":collection/")[2]
        if not collection:
            return {}
        try:
            return self._tags(CollectionKey(caller.account_id, CollectionId(collection)))
        except NotFoundError:
            return {}


def _looks_at_tags(keys: frozenset[str]) -> bool:
    return any(key.startswith(_RESOURCE_TAG) for key in keys)


def _session_policy(caller: Caller) -> str:
    session = caller.principal.session
    return "" if session is None else session.policy
