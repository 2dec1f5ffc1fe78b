"""Checks that the hash chains of a store were made with the key of the service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from subgraphs.kit import hash_chain

if TYPE_CHECKING:
    from subgraphs.kit.hash_chain import ChainKey


def check_key(known: list[str], key: ChainKey, place: str) -> None:
    """Raise StartupError if the chains in the store `place` were not made with `key`.

    `known` contains the id of the key that the store has recorded, or nothing if the store has no chains yet.
    """
    hash_chain.check_key(known, key, place, "ACCOUNT_LEDGER_KEY", "secrets/ledger.key")
