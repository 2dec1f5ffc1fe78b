"""The operation of a request, as stages of the pipeline see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from router.get_operation import PreparedOperation


@dataclass(frozen=True, slots=True)
class Operation:
    """The operation that a request runs; requests for the same document and operation name share it.

    Attributes:
        name: Its name in the document, None without one.
        kind: query, mutation or subscription.
        hash: The first 16 hexadecimal digits of the SHA-256 of `document`, as in the log.
        document: The normalised text of the document.
        override_labels: The labels of progressive overrides on which its plan can depend.
        client: What the client asks for: variables are coerced by it, and the response has its shape.
        planned: What is planned and fetched. A field of `client` that is not part of it is null in the response.
    """

    name: str | None
    kind: str
    hash: str
    document: str
    override_labels: frozenset[str]
    client: PreparedOperation
    planned: PreparedOperation
