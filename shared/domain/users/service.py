"""What can be done with users, whatever the version: made, read, changed, removed.

A change is optimistic: read, decide, write on condition that nothing was written in between, else start again. What
decides (`make`, `check`) therefore runs once for every attempt, on what is stored then: a precondition that the winner
of a race made stale fails, and a merge patch merges into the winner's document.

Failure modes: `NotFound` (no such user), `Conflict` `email-taken` (which never says whose), whatever `make` and `check`
raise, `Unavailable` when the storage is down or others keep winning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain import ids
from domain.caching import changing
from domain.dynamodb import Contended
from domain.mail.accept import welcome
from domain.races import attempts, too_busy
from domain.times import rfc3339
from domain.users import store
from domain.users.model import Content, User
from lanner.clock import Clock, SystemClock
from lanner.http.problems import Conflict, NotFound, member

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lanner.idempotency.store import TransactItem


class Users:
    """All users of the API."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock: Clock = clock or SystemClock()
        self._new_id = ids.IdGenerator(self._clock)

    def create(self, content: Content, along: Callable[[User], Sequence[TransactItem]] | None = None) -> User:
        """A new user, and the job that welcomes it. `along` gives what else is to be written in that transaction.

        Raises `Conflict` when the address is taken, and `store.Overtaken` when a condition in `along` does not hold.
        """
        user_id = self._new_id()
        now = rfc3339(ids.created_ms(user_id))
        user = User(user_id, content, now, now, 1)
        others = () if along is None else along(user)
        for _ in attempts(self._clock):
            try:
                with changing("users"):
                    store.insert(user, others, lambda items: welcome(user_id, items, self._clock))
                return user
            except Contended:
                continue
            except store.EmailTaken:
                raise _email_taken() from None
        raise too_busy("user")

    def read(self, user_id: str) -> User:
        """One user. Raises `NotFound`, also for what is no id."""
        known = ids.read(user_id)
        if known is None:
            raise NotFound(f"There is no user {user_id[:60]!r}: {ids.MALFORMED}")
        user = store.read(known)
        if user is None:
            raise NotFound(f"There is no user {known}")
        return user

    def change(
        self, user_id: str, make: Callable[[User], Content], check: Callable[[User], None] | None = None
    ) -> User:
        """The user after a change. `make` gives the new content, then `check` may refuse; both raise `ApiError`s.

        A change that changes nothing writes nothing: revision and times stay.
        """
        for _ in attempts(self._clock):
            old = self.read(user_id)
            content = make(old)
            if check is not None:
                check(old)
            if content == old.content:
                return old
            now = rfc3339(int(self._clock.now() * 1000))
            new = User(old.id, content, old.created_at, max(now, old.updated_at), old.revision + 1)
            try:
                with changing("users", f"user:{new.id}"):
                    store.update(old, new)
                return new
            except (store.Stale, Contended):
                continue
            except store.EmailTaken:
                raise _email_taken() from None
        raise too_busy("user")

    def delete(self, user_id: str, check: Callable[[User], None] | None = None) -> None:
        """Remove a user and give the address free. Raises `NotFound` when there is none to begin with."""
        tried = False
        for _ in attempts(self._clock):
            try:
                user = self.read(user_id)
            except NotFound:
                if tried:
                    return  # gone since we began: by us, whose answer was lost, or by another DELETE
                raise
            if check is not None:
                check(user)
            tried = True
            try:
                with changing("users", f"user:{user.id}"):
                    store.delete(user)
                return
            except (store.Stale, Contended):
                continue
        raise too_busy("user")


def _email_taken() -> Conflict:
    return Conflict(
        "The e-mail address is in use",
        slug="email-taken",
        errors=[member(("email",), "is in use")],
    )
