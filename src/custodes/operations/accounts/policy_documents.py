"""Policy documents of accounts: who has which, parsed once, ready for decisions.

In: records of documents, names of operations. Out: parsed documents by owner. Text that is not understood is refused
before it is stored. Should a later version of this program not understand what an earlier one stored, its owner is
refused everything until somebody looks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

from custodes.core.errors import InvalidParameterError
from custodes.core.ids import AccountId
from custodes.governance.iam.document import Document, DocumentKind, parse_document
from custodes.governance.iam.pattern import PolicyError
from custodes.operations.accounts.ports import AccountRecord, RecordKind, RecordName

COLLECTION = "collection/"
"""What the owner of a resource policy begins with; the collection's id follows."""
ONLY = "policy"
"""Name of the one policy that a collection can have."""

_UNREADABLE = '{"Version":"2012-10-17","Statement":{"Sid":"unreadable","Effect":"Deny",%s"Action":"*","Resource":"*"}}'
_EVERYTHING = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}'
_REMEMBERED = 1024

Owner = tuple[AccountId, str]


class AccountDocuments:
    """All documents in memory."""

    def __init__(self, operations: Iterable[str]) -> None:
        """Understand actions on ``operations``."""
        self._operations = tuple(operations)
        self._texts: dict[Owner, dict[str, str]] = {}
        self._parsed: dict[Owner, tuple[Document, ...]] = {}
        self.session_policy = lru_cache(_REMEMBERED)(self._session_policy)
        self.trust = lru_cache(_REMEMBERED)(self.check_trust)
        self.everything = self._parse("root", "everything", _EVERYTHING)

    def check(self, owner: str, name: str, text: str) -> Document:
        """The document as decisions would see it.

        Raises:
            InvalidParameterError: something in it is not understood; the text says what and where.
        """
        try:
            return self._parse(owner, name, text)
        except PolicyError as error:
            raise InvalidParameterError(f"the policy document is not understood: {error}") from error

    def check_trust(self, role: str, text: str) -> Document:
        """The same for the trust policy of a role."""
        try:
            return parse_document(f"role/{role}/trust", text, DocumentKind.TRUST, self._operations)
        except PolicyError as error:
            raise InvalidParameterError(f"the trust policy is not understood: {error}") from error

    def of(self, account_id: AccountId, owner: str) -> tuple[Document, ...]:
        """Documents of a user, role or collection, parsed."""
        place, parsed = (account_id, owner), self._parsed
        found = parsed.get(place)
        if found is None:
            texts = self._texts.get(place)
            if texts is None:
                return ()
            found = tuple(self._parse_stored(owner, name, text) for name, text in sorted(texts.items()))
            parsed[place] = found
        return found

    def texts(self, account_id: AccountId, owner: str) -> Mapping[str, str]:
        """Documents of a user, role or collection as they were written, by name."""
        return dict(self._texts.get((account_id, owner), {}))

    def take(self, record: AccountRecord) -> None:
        """Know a document, in place of one of the same name."""
        owner, _, name = record.name.name.rpartition("/")
        place = (record.name.account_id, owner)
        self._texts[place] = {**self._texts.get(place, {}), name: record.value.decode()}
        self._parsed.pop(place, None)

    def drop(self, gone: RecordName) -> None:
        """Forget a document."""
        owner, _, name = gone.name.rpartition("/")
        place = (gone.account_id, owner)
        left = {each: text for each, text in self._texts.get(place, {}).items() if each != name}
        if left:
            self._texts[place] = left
        else:
            self._texts.pop(place, None)
        self._parsed.pop(place, None)

    def take_from(self, other: AccountDocuments) -> None:
        """Know the documents of ``other`` in place of all that were known."""
        self._texts, self._parsed = other._texts, {}

    def _session_policy(self, text: str) -> Document:
        """A policy that came with a session, which it can only limit. Raises PolicyError."""
        return parse_document("session", text, DocumentKind.IDENTITY, self._operations)

    def _parse(self, owner: str, name: str, text: str) -> Document:
        kind = DocumentKind.RESOURCE if owner.startswith(COLLECTION) else DocumentKind.IDENTITY
        return parse_document(f"{owner}/{name}", text, kind, self._operations)

    def _parse_stored(self, owner: str, name: str, text: str) -> Document:
        try:
            return self._parse(owner, name, text)
        except PolicyError:
            everybody = '"Principal":"*",' if owner.startswith(COLLECTION) else ""
            return self._parse(owner, name, _UNREADABLE % everybody)


def document_name(account_id: AccountId, owner: str, name: str) -> RecordName:
    """Where a document is kept."""
    return RecordName(account_id, RecordKind.DOCUMENT, f"{owner}/{name}")


def document_record(account_id: AccountId, owner: str, name: str, text: str) -> AccountRecord:
    """A document as a record."""
    return AccountRecord(document_name(account_id, owner, name), text.encode())
