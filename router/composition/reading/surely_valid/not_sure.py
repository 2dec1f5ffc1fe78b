"""The exception of a check that cannot say that definitions are valid."""

from __future__ import annotations


class NotSure(Exception):
    """graphql-core must check the definitions."""


def require(condition: object) -> None:
    """Go on only if the condition holds.

    Raises:
        NotSure: It does not hold.
    """
    if not condition:
        raise NotSure
