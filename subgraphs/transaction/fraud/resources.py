"""Opens the resources of fraud checks (windows and rules file), and closes them at the end of a block."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from bank import values
from servicekit.cautious_clock import CautiousClock
from servicekit.errors import ConfigurationError
from subgraphs.kit.background import every, in_background, repeat
from subgraphs.transaction.fraud.fraud_checks import FraudChecks
from subgraphs.transaction.fraud.history import StoreHistory
from subgraphs.transaction.fraud.live_rules import live_rules
from subgraphs.transaction.fraud.windows.memory import MemoryWindows
from subgraphs.transaction.live_file import REFRESH_SECONDS
from subgraphs.transaction.yaml_file import InvalidFile

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from subgraphs.transaction.fraud.settings import FraudSettings
    from subgraphs.transaction.fraud.windows.redis_windows import RedisWindows
    from subgraphs.transaction.store.protocol import TransactionStore


@asynccontextmanager
async def open_fraud_checks(settings: FraudSettings, store: TransactionStore) -> AsyncIterator[FraudChecks]:
    """Open the windows, and follow the rules file while the block runs.

    Raises:
        ConfigurationError: the rules file cannot be used, or the URL of Redis has a wrong option.
    """
    try:
        rules = live_rules(settings.rules)
    except InvalidFile as error:
        raise ConfigurationError("FRAUD_RULES", str(error)) from error
    windows = _windows(settings.redis_url)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(windows.aclose)
        checks = FraudChecks(
            rules, windows, StoreHistory(store), deadline=settings.deadline, clock=CautiousClock(values.now)
        )
        stack.push_async_callback(checks.aclose)
        await stack.enter_async_context(in_background(repeat(rules.refresh, every(REFRESH_SECONDS))))
        yield checks


def _windows(redis_url: str | None) -> MemoryWindows | RedisWindows:
    if redis_url is None:
        return MemoryWindows()
    from subgraphs.transaction.fraud.windows.redis_windows import RedisWindows  # noqa: PLC0415 - redis imports slowly

    try:
        return RedisWindows(redis_url)
    except (ValueError, TypeError):
        # The message of the original error may contain the password, so it is not used.
        raise ConfigurationError("REDIS_URL", "an option of the URL is not known or has a wrong value") from None
