"""Removes the literals of operations for the store (`normalise`), and caches the results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from router.usage.remove_literals import document_of, without_literals
from router.usage.usage_data import RecordedOperation, operation_id
from router.usage.used_coordinates import used_coordinates

if TYPE_CHECKING:
    from router.get_operation import PreparedOperation

MAX_OPERATIONS: Final = 10_000
"""The maximum number of cached operations."""

MAX_BYTES: Final = 20_000_000
"""The maximum total number of characters in the texts of the cached operations."""

OperationKey = tuple[str, "str | None"]
"""The hash of a document and the name of the operation in it."""


class NormalisedOperations:
    """A cache of operations without literals, with the parts of the schema that they use."""

    def __init__(self) -> None:
        self._known: dict[OperationKey, RecordedOperation] = {}
        self._bytes = 0

    def normalise(self, key: OperationKey, operation: PreparedOperation) -> RecordedOperation:
        """Return the operation without literals, as it is stored."""
        known = self._known.get(key)
        if known is not None:
            return known
        document = document_of(operation)
        text = without_literals(operation.api_schema, document)
        coordinates = used_coordinates(operation.api_schema, document, frozenset())
        kind = operation.definition.operation.value
        normalised = RecordedOperation(operation_id(text), key[1] or "", kind, text, coordinates)
        if len(self._known) >= MAX_OPERATIONS or self._bytes + len(text) > MAX_BYTES:
            self.clear()
        self._bytes += len(text)
        self._known[key] = normalised
        return normalised

    def clear(self) -> None:
        """Forget all results."""
        self._known.clear()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._known)
