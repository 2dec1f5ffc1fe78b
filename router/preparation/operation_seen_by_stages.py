"""The operation of a request, as stages of the pipeline see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from router.get_operation import PreparedOperation


@dataclass(frozen=True, slots=True)
class Operation:
    """The operation that a request runs. Requests with the same document and operation name share one `Operation`.

    Attributes:
        name: The name of the operation in the document, None if the operation has no name.
        kind: query, mutation or subscription.
        hash: The first 16 hexadecimal digits of the SHA-256 of `document`, as in the log.
        document: The normalised text of the document: without comments, in standard layout.
        override_labels: The labels of progressive overrides on which the plan can depend.
        client: The operation that the client sent. It determines the variables and the shape of the response.
        planned: The operation that is planned and fetched: `client` or a part of it. In the response, the fields of
            `client` that are not in `planned` are null.
    """

    name: str | None
    kind: str
    hash: str
    document: str
    override_labels: frozenset[str]
    client: PreparedOperation
    planned: PreparedOperation
