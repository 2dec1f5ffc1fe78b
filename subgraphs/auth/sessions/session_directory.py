"""What users can do with the list of their sessions: read it, give names, end sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from servicekit.errors import BadUserInput
from subgraphs.auth.domain import InvalidField
from subgraphs.auth.sessions.session_list import parse_session_name
from subgraphs.kit.step_up import RequiredLogin

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime, timedelta

    from bank.identity import Caller
    from subgraphs.auth.sessions.session_list import ListedSession, SessionList
    from subgraphs.auth.sessions.session_service import SessionService
    from subgraphs.kit.connections import CursorCodec
    from subgraphs.kit.pages import PageRequest

# The purpose of the key that signs cursors (`subgraphs.auth.sealing.derive_key`).
CURSOR_KEY_PURPOSE: Final = "cursors of sessions"
# The parts of `session_list.sort_key`.
CURSOR_WIDTH: Final = 2


class SessionDirectory:
    """The sessions of the caller. The sessions of others do not exist here, also for staff."""

    def __init__(
        self,
        sessions: SessionList,
        service: SessionService,
        cursors: CursorCodec,
        clock: Callable[[], datetime],
        max_age: timedelta,
    ) -> None:
        """`max_age` is how long ago a user may have proved their identity, to end sessions."""
        self._sessions = sessions
        self._service = service
        self.cursors = cursors
        self._clock = clock
        self._required = RequiredLogin((), int(max_age.total_seconds()))

    def is_recent(self, caller: Caller) -> bool:
        """Whether the caller has proved their identity so recently that other sessions may be ended."""
        return self._required.is_met(caller, self._clock())

    async def page(self, caller: Caller, page: PageRequest) -> Sequence[ListedSession]:
        """Return up to `page.limit + 1` sessions, the newest first."""
        return await self._sessions.page(caller.user_id, page, self._clock())

    async def count(self, caller: Caller) -> int:
        return await self._sessions.count(caller.user_id, self._clock())

    async def rename(self, caller: Caller, session_id: str, name: str) -> ListedSession | None:
        """Give a session a name; an empty one removes the name. Return None if the caller has no such session.

        Raises:
            BadUserInput: the name is not valid.
        """
        try:
            parsed = parse_session_name(name)
        except InvalidField as error:
            field = {"path": ["input", "name"], "code": error.code, "message": error.message}
            raise BadUserInput(details={"fields": [field]}) from error
        return await self._sessions.rename(caller.user_id, session_id, parsed, self._clock())

    async def end(self, caller: Caller, *, only: str | None = None, but: str | None = None) -> int | RequiredLogin:
        """End sessions of the caller, and return their number. From then on, their tokens are invalid.

        A thief with a token of an old login must not be able to end the sessions of its owner. So the caller must have
        proved their identity a short time before, except to end the session of the request (OWASP ASVS 5.0, 7.5.2).

        Args:
            caller: whose sessions.
            only: end this session only.
            but: do not end this session.
        """
        if only != caller.session_id and not self.is_recent(caller):
            return self._required
        ended = await self._sessions.end(caller.user_id, self._clock(), only=only, but=but)
        if ended:
            await self._service.revoke(ended)
        else:  # a crash may have come between the end of a session and its revocation, and this is the second try
            await self._service.repair(caller.user_id)
        return len(ended)
