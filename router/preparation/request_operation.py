"""The operation of a request: the values that stages of the pipeline read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from router.get_operation import PreparedOperation


@dataclass(frozen=True, slots=True)
class Operation:
    """The operation that a request runs; requests for the same document and operation name share it.

    Attributes:
        name: The name in the document, None if the operation has no name.
        kind: query, mutation or subscription.
        hash: The first 16 hexadecimal digits of the SHA-256 of `document`, as in the log.
        document: The normalised text of the document, without comments and layout.
        override_labels: The labels of progressive overrides on which the plan can depend.
        client: The operation of the client: it has the variable definitions, and the response has its shape.
        planned: The operation that is planned and fetched. The response has null for a field that only `client` has.
    """

    name: str | None
    kind: str
    hash: str
    document: str
    override_labels: frozenset[str]
    client: PreparedOperation
    planned: PreparedOperation
