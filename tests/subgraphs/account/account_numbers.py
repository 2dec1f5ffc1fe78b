"""Checks the account numbers that the service makes."""

from __future__ import annotations

from stdnum.iso7064 import mod_11_10

from subgraphs.account.domain import ACCOUNT_NUMBER_DIGITS


def is_account_number(text: str) -> bool:
    """Whether `text` is 10 ASCII digits with a valid check digit."""
    return len(text) == ACCOUNT_NUMBER_DIGITS and text.isascii() and text.isdigit() and mod_11_10.is_valid(text)
