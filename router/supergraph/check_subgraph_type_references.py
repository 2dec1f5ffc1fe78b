"""Check that a subgraph has every type to which its fields, arguments and unions refer.

A damaged supergraph can say that a subgraph has a field, but not say that the subgraph has the type of the field.
Without this check, the router would find the mistake only when it plans a request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.errors import InvalidSupergraph

if TYPE_CHECKING:
    from collections.abc import Container, Iterable


def check_references(subgraph: str, known: Container[str], references: Iterable[tuple[str, str]]) -> None:
    """Check that every type to which a subgraph refers is in `known`.

    Args:
        subgraph: The name of the subgraph, for the message.
        known: The names of its types.
        references: The place of each reference, such as `Query.me`, and the name of the type.

    Raises:
        InvalidSupergraph: A type is missing. The message names the first missing type.
    """
    for what, name in references:
        if name not in known:
            raise InvalidSupergraph(f'{what} has the type {name}, which the subgraph "{subgraph}" does not have.')
