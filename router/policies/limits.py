"""Whether a request asks for more than an operator allows: the limits of `limits`, and what exceeding one means.

    enforced    the request is refused, with MAX_*_LIMIT for what is in a document
    measured    nothing is refused; the request's log line names the limit

Either way it is counted in `LimitWatch.exceeded`. A document is judged before it is parsed (its text), then before it
is validated (its selections), and once: what it exceeds is kept with it.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from router.errors import LimitExceeded
from router.policies.document_size import extent
from router.policies.operation_size import Size, distinct_fields, fragments_of, measure, operations_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from graphql import DocumentNode

    from router.settings.sections.limits import LimitName, Limits

    Found = tuple[LimitName, int]
    """A limit, and what was counted."""

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


class LimitWatch:
    """Judges requests by `limits`; `exceeded` counts them by the limit, refused or not."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.exceeded: Counter[LimitName] = Counter()

    def inherit(self, previous: LimitWatch) -> None:
        """Go on counting where `previous` is, whose requests in flight count too."""
        self.exceeded = previous.exceeded

    def within(self, name: LimitName, counted: int) -> bool:
        """Whether `counted` is allowed; what is not is counted."""
        limit: int | None = getattr(self._limits, name)
        if limit is None or counted <= limit:
            return True
        self.exceeded[name] += 1
        return False

    def refuses(self, name: LimitName, counted: int) -> bool:
        """Whether a request is to be turned away."""
        return not self.within(name, counted) and self._limits.enforces(name)

    def recall(self, names: Iterable[LimitName]) -> None:
        """Count again what a known document exceeds."""
        self.exceeded.update(names)

    def check_text(self, text: str) -> list[LimitName]:
        """Judge a document before it is parsed; the measured limits that it exceeds.

        Raises:
            LimitExceeded: for the first enforced limit exceeded.
        """
        stop = self._limits.tokens if self._limits.enforces("tokens") else None
        found = extent(text, stop=stop)
        return self._judge((("tokens", found.tokens), ("recursion", found.recursion)))

    def check_document(self, document: DocumentNode) -> list[LimitName]:
        """Judge a document before it is validated; the measured limits that one of its operations exceeds.

        Raises:
            LimitExceeded: for the first enforced limit exceeded.
        """
        try:
            sizes = list(measure(document))
        except RecursionError:  # fragments that spread fragments can nest deeper than the parser allows fields to
            raise LimitExceeded(_CODES["depth"], "The document's fragments are nested too deeply.") from None
        return self._judge((*_largest(sizes), *self._heights(document), *_names(document)))

    def _heights(self, document: DocumentNode) -> Iterator[Found]:
        stop = self._limits.height
        if stop is not None:
            fragments = fragments_of(document)
            for operation in operations_of(document):
                yield "height", distinct_fields(operation, fragments, stop)

    def _judge(self, found: Iterable[Found]) -> list[LimitName]:
        exceeded: list[LimitName] = []
        for name, counted in found:
            if name not in exceeded and not self.within(name, counted):
                if self._limits.enforces(name):
                    limit = getattr(self._limits, name)
                    raise LimitExceeded(_CODES[name], _MESSAGES[name].format(limit=limit))
                exceeded.append(name)
        return exceeded


def _largest(sizes: list[Size]) -> Iterator[Found]:
    """The most of each that one operation of the document has."""
    if sizes:
        yield "depth", max(size.depth for size in sizes)
        yield "fields", max(size.fields for size in sizes)
        yield "aliases", max(size.aliases for size in sizes)
        yield "directives", max(size.directives for size in sizes)
        yield "root_fields", max(size.root_fields for size in sizes)
        yield "introspection_depth", max(size.introspection_depth for size in sizes)


def _names(document: DocumentNode) -> Iterator[Found]:
    for operation in operations_of(document):
        if operation.name is not None:
            yield "operation_name_length", len(operation.name.value)
