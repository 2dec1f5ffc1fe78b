"""Checks that the hash chains of a store were made with the key of the service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicekit.errors import StartupError

if TYPE_CHECKING:
    from subgraphs.account.hash_chain import ChainKey


def check_key(known: list[str], key: ChainKey, place: str) -> None:
    """Raise StartupError if the chains in the store `place` were not made with `key`.

    `known` contains the id of the key that the store has recorded, or nothing if the store has no chains yet.
    """
    if known and known != [key.id]:
        raise StartupError(
            f"ACCOUNT_LEDGER_KEY: the entries of {place} were chained with another key; give the service the key that"
            " it had before (the variable, or secrets/ledger.key in the data directory)"
        )
