"""Checks requests and documents against the settings `limits`.

    an enforced limit          a request above the limit is refused; the code is MAX_*_LIMIT for a limit of documents
    a limit in measure mode    a request above the limit is run; the log line of the request names the limit

`LimitChecker.exceeded` counts the requests above a limit of either kind. A document is checked once: its text before
parsing, its selections before validation. If the document exceeds limits in measure mode, the names of these limits are
cached with the document.
"""

from __future__ import annotations

from collections import Counter
from threading import Lock
from typing import TYPE_CHECKING

from router.errors import LimitExceeded
from router.policies.count_tokens_before_parsing import document_size
from router.policies.measure_operation_size import Size, distinct_fields, fragments_of, measure, operations_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from graphql import DocumentNode

    from router.settings.sections.limits import LimitName, Limits

    Found = tuple[LimitName, int]
    """The name of a limit, such as `tokens`, and the number to compare with this limit, such as a count of tokens."""

_CODES: Mapping[LimitName, str] = {
    "tokens": "MAX_TOKENS_LIMIT",
    "recursion": "MAX_RECURSION_LIMIT",
    "depth": "MAX_DEPTH_LIMIT",
    "fields": "MAX_FIELDS_LIMIT",
    "height": "MAX_HEIGHT_LIMIT",
    "aliases": "MAX_ALIASES_LIMIT",
    "directives": "MAX_DIRECTIVES_LIMIT",
    "root_fields": "MAX_ROOT_FIELDS_LIMIT",
    "introspection_depth": "MAX_INTROSPECTION_DEPTH_LIMIT",
    "operation_name_length": "MAX_OPERATION_NAME_LIMIT",
}
_MESSAGES: Mapping[LimitName, str] = {
    "tokens": "The document has more than {limit} tokens.",
    "recursion": "The document has brackets nested deeper than {limit} levels.",
    "depth": "The operation is nested deeper than {limit} levels.",
    "fields": "The operation selects more than {limit} fields.",
    "height": "The operation selects more than {limit} different fields.",
    "aliases": "The operation has more than {limit} aliases.",
    "directives": "The operation has more than {limit} directives.",
    "root_fields": "The operation has more than {limit} fields at its root.",
    "introspection_depth": "The introspection nests lists deeper than {limit} levels.",
    "operation_name_length": "An operation's name is longer than {limit}.",
}


class LimitChecker:
    """Checks requests against `limits`. `exceeded` has, for each limit, the number of requests above the limit.

    The pipeline and the server share one `LimitChecker`. The pipeline checks documents, and the server checks bodies,
    headers and batches.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.exceeded: Counter[LimitName] = Counter()
        self._counting = Lock()  # a document can be checked in another thread while the server checks a request

    def inherit(self, previous: LimitChecker) -> None:
        """At a reload, share the counters of `previous`, which this checker replaces.

        Requests that `previous` is still checking are then counted too.
        """
        self.exceeded, self._counting = previous.exceeded, previous._counting

    def within(self, name: LimitName, counted: int) -> bool:
        """Return whether `counted` is within the limit `name`. If not, count the request in `exceeded`."""
        limit: int | None = getattr(self._limits, name)
        if limit is None or counted <= limit:
            return True
        with self._counting:
            self.exceeded[name] += 1
        return False

    def count(self, names: Iterable[LimitName]) -> None:
        """Count one request in `exceeded` for each limit in `names`. The limits are not checked again."""
        with self._counting:
            self.exceeded.update(names)

    def check_text(self, text: str) -> list[LimitName]:
        """Check the text of a document before parsing. Return the limits in measure mode that the document exceeds.

        Raises:
            LimitExceeded: The document exceeds an enforced limit.
        """
        stop = self._limits.tokens if self._limits.enforces("tokens") else None
        found = document_size(text, stop=stop)
        return self._exceeded((("tokens", found.tokens), ("recursion", found.recursion)))

    def check_document(self, document: DocumentNode) -> list[LimitName]:
        """Check the operations of a document before validation. Return the limits in measure mode that are exceeded.

        Raises:
            LimitExceeded: An operation exceeds an enforced limit.
        """
        try:
            sizes = list(measure(document))
        except RecursionError:  # too many fragments are nested (each spreads the next) for Python's stack
            raise LimitExceeded(_CODES["depth"], "The document's fragments are nested too deeply.") from None
        return self._exceeded((*_largest(sizes), *self._heights(document), *_name_lengths(document)))

    def _heights(self, document: DocumentNode) -> Iterator[Found]:
        stop = self._limits.height
        if stop is not None:
            fragments = fragments_of(document)
            for operation in operations_of(document):
                yield "height", distinct_fields(operation, fragments, stop)

    def _exceeded(self, found: Iterable[Found]) -> list[LimitName]:
        exceeded: list[LimitName] = []
        for name, counted in found:
            if name not in exceeded and not self.within(name, counted):
                if self._limits.enforces(name):
                    limit = getattr(self._limits, name)
                    raise LimitExceeded(_CODES[name], _MESSAGES[name].format(limit=limit))
                exceeded.append(name)
        return exceeded


def _largest(sizes: list[Size]) -> Iterator[Found]:
    """For each limit that `Size` measures, yield its name and the largest value in `sizes`."""
    if sizes:
        yield "depth", max(size.depth for size in sizes)
        yield "fields", max(size.fields for size in sizes)
        yield "aliases", max(size.aliases for size in sizes)
        yield "directives", max(size.directives for size in sizes)
        yield "root_fields", max(size.root_fields for size in sizes)
        yield "introspection_depth", max(size.introspection_depth for size in sizes)


def _name_lengths(document: DocumentNode) -> Iterator[Found]:
    for operation in operations_of(document):
        if operation.name is not None:
            yield "operation_name_length", len(operation.name.value)
