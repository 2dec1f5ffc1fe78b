"""Encode the requests of a compiled plan quickly, and decode the responses.

The beginning of a request body is always the same, so it is encoded only once. For each request, only the variables are
encoded. In this example of a body, the angle brackets mark the values of the variables:

    {"query":"query($representations:[_Any!]!){_entities(...)}","variables":{<client>,"representations":<list>}}

The result is equal, byte for byte, to the body that `router/executor/graphql_over_http.py` encodes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

import msgspec

from router import json_codec
from router.executor.compiled.globals_of_generated_code import dropped

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from router.executor.compiled.request_graph import Planned
    from router.plan import BatchFetch, BatchPart, Fetch

Decoder: TypeAlias = "msgspec.json.Decoder[Any]"
OwnDecoders: TypeAlias = "tuple[Decoder | None, ...]"

MOST_FORMS: Final = 8
"""The number of forms that are kept for each request. Any other form is encoded each time it is used.

A batch with n parts has 2ⁿ - 1 forms, and the data decides which of them are used."""


def decoder_of(class_: Any) -> Decoder:
    """Return the decoder for a class of responses. All forms of a request share it."""
    return msgspec.json.Decoder(class_, float_hook=Decimal, dec_hook=dropped)


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
        decoder: The decoder of the response if the request has only this part.
        own_decoders: For each fetch, a further decoder of this response; None if the fetch uses the objects that
            `decoder` has decoded. A fetch needs objects of its own if they become a part of the client's response.
        own_batch_decoders: The same for the response to a request that has several parts.
    """

    part: BatchPart | None
    fetch: Fetch
    steps: tuple[CompiledStep, ...]
    decoder: Decoder
    own_decoders: OwnDecoders
    own_batch_decoders: OwnDecoders


class SentOperation(NamedTuple):
    """The operation of a request: its text, its name, and the client's variables that it uses."""

    text: str
    name: str | None
    variable_usages: tuple[str, ...]


class Form:
    """An encoded request for certain parts of a batch (or for the only part), without the values of variables.

    If some parts of a batch have no objects, they are left out. So a batch can have several forms.

    Attributes:
        operation: The text of the operation.
        operation_name: The name of the operation, or None.
        fetch_ids: The ids of the fetches in the request.
        names: The encoded names of the variables that contain representations.
        decoder: The decoder of the response.
        own_decoders: For each part, the further decoders of its fetches (`CompiledPart.own_decoders`).
    """

    __slots__ = (
        "_bare",
        "_head",
        "_usages",
        "decoder",
        "fetch_ids",
        "names",
        "operation",
        "operation_name",
        "own_decoders",
    )

    def __init__(
        self,
        sent: SentOperation,
        names: Sequence[str],
        decoder: Decoder,
        parts: Sequence[tuple[CompiledPart, OwnDecoders]],
    ) -> None:
        self.operation, self.operation_name, self._usages = sent
        payload: dict[str, object] = {"query": sent.text}
        if sent.name is not None:
            payload["operationName"] = sent.name
        self._bare = json_codec.encode(payload)
        self._head = self._bare[:-1] + b',"variables":{'
        self.names = tuple(json_codec.encode(name) + b":" for name in names)
        self.fetch_ids = tuple(part.fetch.id for part, _ in parts)
        self.decoder = decoder
        self.own_decoders = tuple(own for _, own in parts)

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
        batch_decoder: The decoder of the response to a request that has several parts; None if there is no batch.
        parents: The number of requests for which this request waits.
        children: The indexes, in `CompiledPlan.requests`, of the requests that wait for this request.
        forms: At most `MOST_FORMS` forms that were used so far, by the positions of their parts.
    """

    parts: tuple[CompiledPart, ...]
    batch: BatchFetch | None
    batch_decoder: Decoder | None
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
        if len(parts) == 1 or self.batch is None or self.batch_decoder is None:
            names = [fetch.representations] if fetch.requires else []
            own = [(first, first.own_decoders)]
            sent = SentOperation(fetch.operation, fetch.operation_name, fetch.variable_usages)
            return Form(sent, names, first.decoder, own)
        batched = [part.part for part in parts if part.part is not None]
        return Form(
            SentOperation(
                self.batch.operation(batched), self.batch.operation_name, self.batch.variable_usages(batched)
            ),
            [part.representations for part in batched],
            self.batch_decoder,
            [(part, part.own_batch_decoders) for part in parts],
        )


def compiled_request(planned: Planned, names: Mapping[str, Any]) -> CompiledRequest:
    """Return a request with the functions and classes in `names`, the globals of the generated code."""
    decoders = {
        name: decoder_of(names[name])
        for group in planned.groups
        for step in group
        for name in (f"Response{step.fetch.id}", f"ResponseBatch{step.fetch.id}")
        if name in names
    }
    first = planned.groups[0][0].fetch.id
    parts = tuple(
        CompiledPart(
            part=group[0].part,
            fetch=group[0].fetch,
            steps=tuple(
                CompiledStep(
                    names.get(f"collect{step.fetch.id}"),
                    names[f"place{step.fetch.id}"],
                    has_context=bool(step.fetch.context_rewrites),
                )
                for step in group
            ),
            decoder=decoders[f"Response{group[0].fetch.id}"],
            own_decoders=(None, *(decoders.get(f"Response{step.fetch.id}") for step in group[1:])),
            own_batch_decoders=(None, *(decoders.get(f"ResponseBatch{step.fetch.id}") for step in group[1:])),
        )
        for group in planned.groups
    )
    return CompiledRequest(
        parts=parts,
        batch=planned.batch,
        batch_decoder=decoders.get(f"ResponseBatch{first}"),
        parents=len(planned.parents),
        children=planned.children,
    )


def is_line(requests: Sequence[CompiledRequest]) -> bool:
    """Return whether each request waits for the one before it, and has one fetch without `@fromContext` arguments."""
    last = len(requests) - 1
    return bool(requests) and all(
        len(request.parts) == 1
        and len(request.parts[0].steps) == 1
        and not request.parts[0].steps[0].has_context
        and request.parents == min(number, 1)
        and request.children == ((number + 1,) if number < last else ())
        for number, request in enumerate(requests)
    )
