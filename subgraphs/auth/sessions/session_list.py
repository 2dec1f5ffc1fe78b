"""The sessions of a user as a list: what the store has to offer, and the rules of names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from bank import values
from subgraphs.auth.domain import InvalidField
from subgraphs.auth.sessions.devices import Device
from subgraphs.kit.times import to_milliseconds

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from subgraphs.auth.audit_log.entry import NewEntry
    from subgraphs.auth.mail.outbox import QueuedMail
    from subgraphs.kit.pages import PageRequest, SortKey

MAX_NAME_LENGTH: Final = 100
# The time of the last use is written at most once in this time.
TOUCH_AGAIN: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A login.

    Attributes:
        device: the device of the new session.
        notice: makes the mail to the user. It is called if the device is new.
    """

    device: Device = Device()  # noqa: RUF009 - it is frozen
    notice: Callable[[], QueuedMail] | None = None


class BegunSession(NamedTuple):
    """The result of a login. `has_notice`: whether the device is new, and its notice is stored as a mail."""

    has_notice: bool


UNKNOWN_ARRIVAL: Final = Arrival()


@dataclass(frozen=True, slots=True)
class ListedSession:
    """A session that can be used.

    Attributes:
        name: the name that the user has given to the session; None without one.
        last_used_at: when the session has begun or its tokens were refreshed, exact to a minute.
    """

    id: str
    device: Device
    name: str | None
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime


class SessionList(Protocol):
    """The sessions of users; `tests/subgraphs/auth/sessions/test_session_list.py` tests every implementation.

    A session is listed if it has not ended and has a refresh token that can be used. Every method is about the sessions
    of one user: the sessions of others do not exist. Every method raises Unavailable when the store does not respond.
    """

    async def page(self, user_id: str, page: PageRequest, now: datetime) -> Sequence[ListedSession]:
        """Return up to `page.limit + 1` sessions, the newest first."""

    async def count(self, user_id: str, now: datetime) -> int:
        """Return the number of listed sessions."""

    async def rename(self, user_id: str, session_id: str, name: str | None, now: datetime) -> ListedSession | None:
        """Give a session a name, and return it. Return None if it is not listed."""

    async def end(
        self,
        user_id: str,
        now: datetime,
        *,
        only: str | None = None,
        but: str | None = None,
        audit: NewEntry | None = None,
    ) -> Sequence[str]:
        """End sessions that have not ended, and return their ids.

        Args:
            user_id: the user.
            now: the time of the end.
            only: end this session only.
            but: do not end this session.
            audit: the entry of the audit log, which is appended if a session has ended.
        """


def can_be_session_id(text: str) -> bool:
    """Whether `text` may be the id of a session. Stores cannot look up every text, and no other text is an id."""
    return text.isascii() and text.isalnum()


def sort_key(session: ListedSession) -> SortKey:
    return str(to_milliseconds(session.created_at)), session.id


def parse_session_name(text: str) -> str | None:
    """Return the name without surrounding space; None if nothing is left.

    Raises:
        InvalidField: the name is too long, or has characters that are not printable.
    """
    name = text.strip()
    if len(name) > MAX_NAME_LENGTH:
        raise InvalidField("TOO_LONG", f"at most {MAX_NAME_LENGTH} characters")
    if name and not values.is_line(name):
        raise InvalidField("INVALID_FORMAT", "must be printable text")
    return name or None
