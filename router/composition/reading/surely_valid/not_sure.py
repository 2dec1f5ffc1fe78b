"""Defines the exception of a check that cannot prove that definitions are valid."""

from __future__ import annotations


class NotSure(Exception):
    """It is not proved that the definitions are valid, so graphql-core must check them."""


def require(condition: object) -> None:
    """Raise an exception if the condition is false.

    Raises:
        NotSure: The condition is false.
    """
    if not condition:
        raise NotSure
