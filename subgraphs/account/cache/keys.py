"""The keys of the cache of accounts; see `subgraphs.account.cache`."""

from __future__ import annotations

from typing import Final

# The key of lists of the accounts of all customers.
EVERYBODY: Final = "lists:*"


def account_key(account_id: str) -> str:
    """Return the key of an account."""
    return f"account:{account_id}"


def owner_key(user_id: str) -> str:
    """Return the key of the lists of a person's accounts."""
    return f"lists:{user_id}"
