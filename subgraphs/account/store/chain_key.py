"""Refuses to continue the hash chains of a store with another key than the one that they were made with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicekit.errors import StartupError

if TYPE_CHECKING:
    from subgraphs.account.chain import ChainKey


def check_key(known: list[str], key: ChainKey, place: str) -> None:
    """Raise StartupError if the chains in `place` were made with another key than `key`."""
    if known and known != [key.id]:
        raise StartupError(
            f"ACCOUNT_LEDGER_KEY: the entries of {place} were chained with another key; give the service the key that"
            " it had before (the variable, or secrets/ledger.key in the data directory)"
        )
