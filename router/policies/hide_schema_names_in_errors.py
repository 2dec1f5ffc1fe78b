"""Keeps the names of the schema out of error messages if introspection is off.

A message may name a part of the schema only if the client has sent this name. Any other name would reveal the schema to
a client that guesses names. For example, the message about an unknown field would name the field's parent type.

    Cannot query field 'x' on type 'Account'.      Cannot query field 'x' on type (not shown).
    Unknown argument 'x' on field 'Query.me'.      Unknown argument 'x' on field 'me'.

This applies to all messages of the router, whether validation, the variables or the execution caused the error.
`error_masking` replaces the messages of subgraphs.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from router.pipeline.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from router.errors import ResponseError
    from router.pipeline.request_context import RequestContext
    from router.policies.policy_setup import PolicySetup

NOT_SHOWN: Final = "(not shown)"

_NAME: Final = re.compile(r"[_A-Za-z][_0-9A-Za-z]*")
_QUOTED: Final = re.compile(r"'([^']*)'")
# Outside quotes, an English word in a message can be equal to a field's name, such as `name`. So outside quotes, only
# names that cannot be English words, such as `createdAt`, are replaced.
_NO_WORD: Final = re.compile(r"\b[A-Za-z]*(?:[a-z][A-Z]|[_0-9])[_0-9A-Za-z]*")
# These names are never hidden, because every schema has these types (GraphQL specification, "Built-in Scalars").
_PUBLIC: Final = frozenset({"Int", "Float", "String", "Boolean", "ID"})
# The names that a client sent are collected from at most this many characters of its document, and from at most this
# many keys of its variables. This limits the cost of a large request. All other names count as not sent.
_MAX_TEXT_LENGTH: Final = 100_000
_MAX_KEYS: Final = 10_000


class HiddenSchemaNames(Stage):
    """Replaces each name in `known` in error messages, unless the client has sent the name."""

    def __init__(self, known: frozenset[str]) -> None:
        self._known = known

    @classmethod
    def configured(cls, inputs: PolicySetup) -> HiddenSchemaNames | None:
        """Return the stage, or None if clients may read the schema."""
        if inputs.settings.introspection:
            return None
        return cls(inputs.supergraph.names - _PUBLIC)

    def on_errors(self, context: RequestContext, errors: Sequence[ResponseError]) -> Sequence[ResponseError]:
        """Return `errors` with names of the schema hidden.

        Only the messages of the router are changed. A name that the client sent is kept.
        """
        if not any(error.origin is None and self._named(error.message) for error in errors):
            return errors
        request = context.request
        sent = {*_NAME.findall(request.query[:_MAX_TEXT_LENGTH]), *_keys_of(request.variables)}
        return [
            error if error.origin is not None else replace(error, message=self.hide(error.message, sent))
            for error in errors
        ]

    def _named(self, message: str) -> bool:
        return any(name in self._known for name in _NAME.findall(message))

    def hide(self, message: str, sent: set[str]) -> str:
        """Replace each name of the schema in `message`, except the names in `sent`. Return the new message."""
        unknown = self._known - sent

        def quoted(match: re.Match[str]) -> str:
            names = _NAME.findall(match[1])
            if unknown.isdisjoint(names):
                return match[0]
            shown = [name for name in match[1].split(".") if unknown.isdisjoint(_NAME.findall(name))]
            return f"'{'.'.join(shown)}'" if shown else NOT_SHOWN

        def plain(match: re.Match[str]) -> str:
            return NOT_SHOWN if match[0] in unknown else match[0]

        return _NO_WORD.sub(plain, _QUOTED.sub(quoted, message))


def _keys_of(variables: Mapping[str, object]) -> set[str]:
    """Return the keys of the client's variables, including the keys of nested objects."""
    keys: set[str] = set()
    pending: list[object] = [variables]
    while pending and len(keys) < _MAX_KEYS:
        value = pending.pop()
        if isinstance(value, dict):
            keys.update(value)
            pending += value.values()
        elif isinstance(value, list):
            pending += value
    return keys
