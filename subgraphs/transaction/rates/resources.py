"""Follows the file of exchange rates while a service runs."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from servicekit.errors import ConfigurationError
from subgraphs.kit.background import every, in_background, repeat
from subgraphs.transaction.live_file import REFRESH_SECONDS, LiveFile
from subgraphs.transaction.rates.rates_file import load_rates
from subgraphs.transaction.yaml_file import InvalidFile

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from subgraphs.transaction.rates.rates_table import RatesTable


@asynccontextmanager
async def open_rates(path: Path | None) -> AsyncIterator[Callable[[], RatesTable | None]]:
    """Return a function that returns the present rates; None if no file is configured.

    Raises:
        ConfigurationError: the file cannot be used.
    """
    if path is None:
        yield lambda: None
        return
    try:
        rates = LiveFile(path, load_rates, lambda table: table.version, "exchange rates")
    except InvalidFile as error:
        raise ConfigurationError("EXCHANGE_RATES", str(error)) from error
    async with in_background(repeat(rates.refresh, every(REFRESH_SECONDS))):
        yield lambda: rates.current
