"""Opens the list of revoked sessions for the auth service, which adds what a crash or a lost Redis has left out."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from bank.revocation import SqliteRevocationList
from subgraphs.auth.sessions.session_service import REVOCATION_LIFETIME, revoke_ended_sessions
from subgraphs.kit.background import every, in_background, repeat
from subgraphs.kit.revocation_list import open_revocation_list

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bank.revocation import RevocationList
    from subgraphs.auth.sessions.session_service import Clocks
    from subgraphs.auth.settings import AuthSettings
    from subgraphs.auth.store.protocol import AuthStore


@asynccontextmanager
async def open_revocations(settings: AuthSettings, store: AuthStore, clocks: Clocks) -> AsyncIterator[RevocationList]:
    """Open the list, and add the sessions of `store` that ended recently. Close the list at the end of the block.

    A list in Redis is kept complete while the block runs. A Redis that is away does not stop the start.

    Raises:
        ConfigurationError: as `open_revocation_list`.
        StartupError: as `open_revocation_list`.
        Unavailable: the store or the file of the list does not respond.
    """
    async with open_revocation_list(settings) as listed:
        if isinstance(listed, SqliteRevocationList):
            await revoke_ended_sessions(store, listed, clocks.now())
            yield listed
            return
        # redis imports slowly
        from subgraphs.auth.revocation_keeper import CHECK_SECONDS, RevocationKeeper  # noqa: PLC0415

        keeper = RevocationKeeper(
            listed, store, lifetime=REVOCATION_LIFETIME, clock=lambda: min(clocks.now(), clocks.for_deletion())
        )
        await keeper.check()
        async with in_background(repeat(keeper.check, every(CHECK_SECONDS))):
            yield keeper
