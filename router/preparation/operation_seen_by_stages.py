"""The operation of a request, as stages of the pipeline see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router.get_operation import PreparedOperation


class LiftedLiterals(msgspec.Struct, frozen=True):
    """The literal argument values of an operation, which variables replace (`router/preparation/lift_literals.py`).

    Attributes:
        sent: The operation as the client wrote it. It declares the variables that the client can set.
        document: The text of the operation with variables in place of literals.
        values: The coerced values of these variables, by name.
    """

    sent: PreparedOperation
    document: str
    values: Mapping[str, object]


class Operation(msgspec.Struct, frozen=True):
    """The operation that a request runs. Requests with the same document and operation name share one `Operation`.

    Attributes:
        name: The name of the operation in the document, None if the operation has no name.
        kind: query, mutation or subscription.
        hash: The first 16 hexadecimal digits of the SHA-256 of `document`, as in the log.
        document: The normalised text of the document: without comments, in standard layout.
        override_labels: The labels of progressive overrides on which the plan can depend.
        client: The operation that the client sent. It determines the variables and the shape of the response. Variables
            replace its literal argument values if `lifted` is not None.
        planned: The operation that is planned and fetched: `client` or a part of it. In the response, the fields of
            `client` that are not in `planned` are null.
        lifted: The values that the client wrote into the document and that are variables now; None if there are none.
    """

    name: str | None
    kind: str
    hash: str
    document: str
    override_labels: frozenset[str]
    client: PreparedOperation
    planned: PreparedOperation
    lifted: LiftedLiterals | None = None

    @property
    def planned_document(self) -> str:
        """The text that is the key of the plan: documents that differ only in literal values share it."""
        return self.document if self.lifted is None else self.lifted.document

    @property
    def sent(self) -> PreparedOperation:
        """The operation that declares the variables of the client, and no variables for literals."""
        return self.client if self.lifted is None else self.lifted.sent

    def with_literals(self, variables: Mapping[str, object]) -> Mapping[str, object]:
        """Return the variables of the client, and the values of the variables that replace literals."""
        return variables if self.lifted is None else {**variables, **self.lifted.values}
