"""What can be done with users, whatever the version: made, read, changed, removed.

A change is optimistic: read, decide, write on condition that nothing was written in between, else start again. What
decides (`make`, `check`) therefore runs once for every attempt, on what is stored then: a precondition that the winner
of a race made stale fails, and a merge patch merges into the winner's document.

Failure modes: `NotFound` (no such user), `Conflict` `email-taken` (which never says whose), whatever `make` and `check`
raise, `Unavailable` when the storage is down or others keep winning.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from domain.times import rfc3339
from domain.users import ids, store
from domain.users.model import Content, User
from lanner.clock import Clock, SystemClock
from lanner.http.problems import Conflict, NotFound, Unavailable, member

if TYPE_CHECKING:
    from collections.abc import Callable

ATTEMPTS = 8
"""Lost races before a writer gives up; each of them let another writer through."""

FIRST_WAIT_S = 0.004
"""Upper bound of the first wait; it doubles, and the wait is drawn evenly below it (full jitter)."""


class Users:
    """All users of the API."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock: Clock = clock or SystemClock()
        self._new_id = ids.IdGenerator(self._clock)

    def create(self, content: Content) -> User:
        """A new user. Raises `Conflict` when the address is taken."""
        user_id = self._new_id()
        now = rfc3339(ids.created_ms(user_id))
        user = User(user_id, content, now, now, 1)
        for attempt in range(ATTEMPTS):
            try:
                store.insert(user)
                return user
            except store.Contended:
                self._wait(attempt)
            except store.EmailTaken:
                raise _email_taken() from None
        raise _too_busy()

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
        for attempt in range(ATTEMPTS):
            old = self.read(user_id)
            content = make(old)
            if check is not None:
                check(old)
            if content == old.content:
                return old
            now = rfc3339(int(self._clock.now() * 1000))
            new = User(old.id, content, old.created_at, max(now, old.updated_at), old.revision + 1)
            try:
                store.update(old, new)
                return new
            except (store.Stale, store.Contended):
                self._wait(attempt)
            except store.EmailTaken:
                raise _email_taken() from None
        raise _too_busy()

    def delete(self, user_id: str, check: Callable[[User], None] | None = None) -> None:
        """Remove a user and give the address free. Raises `NotFound` when there is none to begin with."""
        tried = False
        for attempt in range(ATTEMPTS):
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
                store.delete(user)
                return
            except (store.Stale, store.Contended):
                self._wait(attempt)
        raise _too_busy()

    def _wait(self, attempt: int) -> None:
        share = int.from_bytes(os.urandom(2)) / 65_536
        self._clock.sleep(share * FIRST_WAIT_S * (1 << attempt))


def _email_taken() -> Conflict:
    return Conflict(
        "The e-mail address is in use",
        slug="email-taken",
        title="E-mail address taken",
        errors=[member(("email",), "is in use")],
    )


def _too_busy() -> Unavailable:
    return Unavailable("Others are changing the same user; try again shortly", retry_after=1)
