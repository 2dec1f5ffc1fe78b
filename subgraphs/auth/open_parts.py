"""Opens what the use cases of the auth service share: the store, the keys, the counts of limits, the queue of mails."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from bank import values
from servicekit.errors import StartupError, Unavailable
from subgraphs.auth.audit_log.writing import open_audit_log
from subgraphs.auth.key_ring import KeyRing
from subgraphs.auth.mail.opening import open_queue
from subgraphs.auth.open_limit_store import open_limit_store
from subgraphs.auth.open_revocations import open_revocations
from subgraphs.auth.password_hashing import PasswordHasher
from subgraphs.auth.sessions.session_service import Clocks
from subgraphs.auth.signing_keys import KeyVault
from subgraphs.auth.store.factory import STORES
from subgraphs.kit.store_identity import open_joined

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from bank.revocation import RevocationList
    from servicekit.rate_limits import RateLimitStore
    from subgraphs.auth.audit_log.writing import AuditLog
    from subgraphs.auth.mail.delivery import MailQueue
    from subgraphs.auth.settings import AuthSettings
    from subgraphs.auth.store.protocol import AuthStore
    from subgraphs.kit.store_factory import Clock

# If the clock shows an earlier time than this, the clock is wrong, and the service does not start. For example, the
# clock of a machine without a clock battery starts in 1970.
_EARLIEST: Final = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ServiceParts:
    """The open parts. `counts` has the counts of the rate limits."""

    settings: AuthSettings
    clocks: Clocks
    store: AuthStore
    hasher: PasswordHasher
    counts: RateLimitStore
    keys: KeyRing
    mails: MailQueue
    audit: AuditLog
    revocations: RevocationList


@asynccontextmanager
async def open_parts(settings: AuthSettings, clock: Clock) -> AsyncIterator[ServiceParts]:
    """Open the parts, and create a signing key if there is none. Revoke ended sessions that a crash left unrevoked.

    Raises:
        StoreMismatch: the store does not belong to the installation (bank §4.8).
        StartupError: the clock is wrong, a file cannot be opened or is locked, or `AUTH_JWT_SECRET` is not the secret
            that sealed the keys.
    """
    clocks = clocks_of(clock)
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_joined(settings.place, STORES))
        hasher = stack.enter_context(PasswordHasher(queue=settings.hashing_queue))
        counts = await stack.enter_async_context(open_limit_store(settings))
        vault = KeyVault(settings.key_encryption_secret(), settings.signing_algorithm)
        keys = KeyRing(store, vault, clock=clocks.for_deletion)
        mails = open_queue(settings, store.mails, clocks.now)
        with _database_responds():
            audit = await open_audit_log(settings, store, clocks.now)
            await keys.signer()
            revocations = await stack.enter_async_context(open_revocations(settings, store, clocks))
        yield ServiceParts(settings, clocks, store, hasher, counts, keys, mails, audit, revocations)


def clocks_of(wall: Clock) -> Clocks:
    """Return the clocks of the service. Raises StartupError if the clock of the machine is wrong."""
    now = wall()
    if now < _EARLIEST:
        raise StartupError(
            f"the clock of this machine says {values.format_timestamp(now)}; set it, since tokens are valid by time"
        )
    return Clocks.of(wall)


@contextmanager
def _database_responds() -> Iterator[None]:
    """Raise StartupError if the database does not respond."""
    try:
        yield
    except Unavailable as error:
        raise StartupError(f"the database of the auth service does not respond: {error.__cause__}") from error
