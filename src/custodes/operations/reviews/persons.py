"""Who a caller is to a review: the user behind a key, also behind the session of a role.

In: callers, the directory of accounts. Out: persons. Users of one person are one. A session counts as whoever opened
the first session of its line with a key of their own, so nobody reviews as a user what they searched for as a role.
"""

from __future__ import annotations

from custodes.core.errors import NotFoundError
from custodes.governance.accounts.identities import ROOT, AccountUser
from custodes.governance.review import ReviewPerson
from custodes.operations.accounts.directory import AccountDirectory
from custodes.operations.requests.context import Caller

_USER = "user/"


class ReviewPersons:
    """Tells persons apart."""

    def __init__(self, directory: AccountDirectory) -> None:
        """Look users up in ``directory``."""
        self._directory = directory

    def __call__(self, caller: Caller) -> ReviewPerson:
        """The person behind ``caller``. Only a user acting under its own name is one who can review."""
        principal = caller.principal
        if principal.path.startswith(_USER):
            return ReviewPerson(self._person(caller, principal.name), caller.arn, is_user=True)
        origin = caller.access_key_id if principal.session is None else principal.session.origin_key
        return ReviewPerson(self._owner(caller, origin), caller.arn, is_user=False)

    def _person(self, caller: Caller, name: str) -> str:
        """The person of the user that the caller is now; of one who is gone, its id."""
        user_id = caller.principal.principal_id
        try:
            found = self._directory.user(caller.account_id, name)
        except NotFoundError:
            return user_id or caller.arn
        return _key(found) if found.user_id == user_id else user_id or caller.arn

    def _owner(self, caller: Caller, access_key_id: str) -> str:
        try:
            name = self._directory.key(access_key_id).user_name
            return ROOT if name == ROOT else _key(self._directory.user(caller.account_id, name))
        except NotFoundError:
            return ROOT if caller.principal.path == ROOT else caller.arn


def _key(user: AccountUser) -> str:
    """What tells persons apart; a user from before users had persons is one of its own."""
    return f"person:{user.person}" if user.person else user.user_id
