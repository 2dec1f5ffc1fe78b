"""Encode the requests of a compiled plan quickly, and decode the responses.

The beginning of a request body is always the same, so it is encoded only once. For each request, only the variables are
encoded. In this example of a body, the angle brackets mark the values of the variables:

    {"query":"query($representations:[_Any!]!){_entities(...)}","variables":{<client>,"representations":<list>}}

The result is equal, byte for byte, to the body that `router/executor/graphql_over_http.py` encodes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec

from router import json_codec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from router.plan import BatchFetch, BatchPart, Fetch

Decoders: TypeAlias = "tuple[msgspec.json.Decoder[Any], ...]"

MOST_FORMS: Final = 8
"""The number of forms that are kept for each request. Any other form is encoded each time it is used.

A batch with n parts has 2ⁿ - 1 forms, and the data decides which of them are used."""


def decoders_of(classes: Iterable[Any]) -> Decoders:
    """Return the decoders for `classes`. All forms of a request share them."""
    return tuple(msgspec.json.Decoder(class_, float_hook=Decimal) for class_ in classes)


@dataclass(frozen=True, slots=True)
class CompiledStep:
    """The generated functions for one fetch: see `generate_collect_functions` and `generate_place_functions`.

    `collect` is None for a root fetch, because its only object is the root. If `has_context` is True, the fetch has
    `@fromContext` arguments, and `collect` adds the objects to a dict of `ContextGroup` objects.
    """

    collect: Callable[..., Any] | None
    place: Callable[[list[Any], list[int] | None, list[Any]], None]
    has_context: bool = False


@dataclass(frozen=True, slots=True)
class CompiledPart:
    """Fetches that are equal except for the paths of their objects. They are sent as one fetch.

    Attributes:
        part: The part of the batch; None outside a batch.
        fetch: The first of the equal fetches.
        steps: The functions for each fetch.
        decoders: For each fetch, the decoder of the response if the request has only this part.
        batch_decoders: For each fetch, the decoder of the response if the request has several parts.
    """

    part: BatchPart | None
    fetch: Fetch
    steps: tuple[CompiledStep, ...]
    decoders: Decoders
    batch_decoders: Decoders


class Form:
    """An encoded request for certain parts of a batch (or for the only part), without the values of variables.

    If some parts of a batch have no objects, they are left out. So a batch can have several forms.

    Attributes:
        operation: The text of the operation.
        operation_name: The name of the operation, or None.
        fetch_ids: The ids of the fetches in the request.
        names: The encoded names of the variables that contain representations.
        decoders: For each part, a tuple with one decoder for each fetch of the part.
    """

    __slots__ = ("_bare", "_head", "_usages", "decoders", "fetch_ids", "names", "operation", "operation_name")

    def __init__(
        self,
        operation: str,
        operation_name: str | None,
        usages: tuple[str, ...],
        names: Sequence[str],
        parts: Sequence[tuple[CompiledPart, Decoders]],
    ) -> None:
        payload: dict[str, object] = {"query": operation}
        if operation_name is not None:
            payload["operationName"] = operation_name
        self.operation, self.operation_name, self._usages = operation, operation_name, usages
        self._bare = json_codec.encode(payload)
        self._head = self._bare[:-1] + b',"variables":{'
        self.names = tuple(json_codec.encode(name) + b":" for name in names)
        self.fetch_ids = tuple(part.fetch.id for part, _ in parts)
        self.decoders = tuple(decoders for _, decoders in parts)

    @property
    def memory_bytes(self) -> int:
        """Roughly how many bytes the form takes."""
        return 500 + 3 * len(self._head)

    def body(
        self,
        variables: Mapping[str, object],
        representations: Sequence[Sequence[object]],
        context: Mapping[str, object] | None = None,
    ) -> bytes:
        """Return the body of a request.

        The body contains the representations, the values of `@fromContext` arguments, and the client's variables that
        the operation uses. A variable without a value is left out.
        """
        given = {name: variables[name] for name in self._usages if name in variables} if self._usages else None
        if context:
            given = {**(given or {}), **context}
        members = [json_codec.encode(given)[1:-1]] if given else []
        for name, values in zip(self.names, representations, strict=True):
            members.append(name + json_codec.encode(values))
        if not members:
            return self._bare
        return b"".join((self._head, b",".join(members), b"}}"))

    def variables_in(self, body: bytes) -> Mapping[str, object]:
        """Return the variables in a request body. The body must be a result of the method `body`."""
        if len(body) == len(self._bare):
            return {}
        return json_codec.EncodedObject(body[len(self._head) - 1 : -1]).members()


@dataclass(frozen=True, slots=True)
class CompiledRequest:
    """One request of a compiled plan.

    Attributes:
        parts: The parts of the batch. A request that is not a batch has one part.
        batch: The batch; None if the request has only one fetch.
        parents: The number of requests for which this request waits.
        children: The indexes, in `CompiledPlan.requests`, of the requests that wait for this request.
        forms: At most `MOST_FORMS` forms that were used so far, by the positions of their parts.
    """

    parts: tuple[CompiledPart, ...]
    batch: BatchFetch | None
    parents: int
    children: tuple[int, ...]
    forms: dict[tuple[int, ...], Form] = field(default_factory=dict)

    def form(self, ready: tuple[int, ...]) -> Form:
        """Return the form for the parts at the positions `ready`. A single part is sent as a request of its own."""
        form = self.forms.get(ready)
        if form is None:
            form = self._form([self.parts[position] for position in ready])
            if len(self.forms) < MOST_FORMS:
                self.forms[ready] = form
        return form

    def most_bytes(self) -> int:
        """Return the approximate number of bytes that all kept forms together take at most."""
        largest = self.form(tuple(range(len(self.parts))))
        return min((1 << len(self.parts)) - 1, MOST_FORMS) * largest.memory_bytes

    def _form(self, parts: Sequence[CompiledPart]) -> Form:
        first = parts[0]
        fetch = first.fetch
        if len(parts) == 1 or self.batch is None:
            names = [fetch.representations] if fetch.requires else []
            return Form(fetch.operation, fetch.operation_name, fetch.variable_usages, names, [(first, first.decoders)])
        batched = [part.part for part in parts if part.part is not None]
        return Form(
            self.batch.operation(batched),
            self.batch.operation_name,
            self.batch.variable_usages(batched),
            [part.representations for part in batched],
            [(part, part.batch_decoders) for part in parts],
        )
