"""The requests of a compiled plan: bodies with holes for variables and representations, and decoders of responses.

    {"query":"query($representations:[_Any!]!){_entities(...)}","variables":{<the client's>,"representations":<list>}}

The bodies are those that `router/executor/graphql_over_http.py` would encode, byte for byte.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from router import json_codec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from router.plan import BatchFetch, BatchPart, Fetch


@dataclass(frozen=True, slots=True)
class CompiledStep:
    """The generated functions of one fetch. `collect` is None for a root fetch."""

    collect: Callable[[list[Any], dict[Any, Any], list[Any]], tuple[list[Any], list[int] | None]] | None
    place: Callable[[list[Any], list[int] | None, list[Any]], None]


@dataclass(frozen=True, slots=True)
class CompiledPart:
    """Fetches that are sent as one, because they differ only in the places of their objects.

    Attributes:
        part: The part of the batch; None outside a batch.
        fetch: The first of the fetches.
        steps: The functions of each fetch.
        responses: The class of the response if only this part is sent, for each fetch.
        batched: The class of the response to a batch, for each fetch.
    """

    part: BatchPart | None
    fetch: Fetch
    steps: tuple[CompiledStep, ...]
    responses: tuple[Any, ...]
    batched: tuple[Any, ...]


class Form:
    """One operation that a request can send, for some of its parts.

    Attributes:
        operation: The text of the operation.
        operation_name: Its name.
        fetch_ids: The ids of the fetches in the request.
        names: The names of the variables with representations.
        decoders: For each part, one decoder for each of its fetches.
    """

    __slots__ = ("_bare", "_head", "_usages", "decoders", "fetch_ids", "names", "operation", "operation_name")

    def __init__(
        self,
        operation: str,
        operation_name: str | None,
        usages: tuple[str, ...],
        names: Sequence[str],
        parts: Sequence[tuple[CompiledPart, Sequence[Any]]],
    ) -> None:
        payload: dict[str, object] = {"query": operation}
        if operation_name is not None:
            payload["operationName"] = operation_name
        self.operation, self.operation_name, self._usages = operation, operation_name, usages
        self._bare = json_codec.encode(payload)
        self._head = self._bare[:-1] + b',"variables":{'
        self.names = tuple(json_codec.encode(name) + b":" for name in names)
        self.fetch_ids = tuple(part.fetch.id for part, _ in parts)
        self.decoders = tuple(
            tuple(msgspec.json.Decoder(class_, float_hook=Decimal) for class_ in classes) for _, classes in parts
        )

    def body(self, variables: Mapping[str, object], representations: Sequence[Sequence[object]]) -> bytes:
        """Return the body of a request, with the client's variables that it uses and have a value."""
        given = {name: variables[name] for name in self._usages if name in variables} if self._usages else None
        members = [json_codec.encode(given)[1:-1]] if given else []
        for name, values in zip(self.names, representations, strict=True):
            members.append(name + json_codec.encode(values))
        if not members:
            return self._bare
        return b"".join((self._head, b",".join(members), b"}}"))

    def variables_in(self, body: bytes) -> json_codec.EncodedObject:
        """Return the variables in a body that `body` returned."""
        return json_codec.EncodedObject(body[len(self._head) - 1 : -1] if len(body) > len(self._bare) else b"{}")


@dataclass(frozen=True, slots=True)
class CompiledRequest:
    """One request of a compiled plan.

    Attributes:
        parts: The parts. A request that is not a batch has one.
        batch: The batch, if there are several parts.
        parents: The number of requests for which this one waits.
        children: The positions of the requests that wait for this one.
        forms: The forms that were used so far, by the positions of their parts.
    """

    parts: tuple[CompiledPart, ...]
    batch: BatchFetch | None
    parents: int
    children: tuple[int, ...]
    forms: dict[tuple[int, ...], Form] = field(default_factory=dict)

    def form(self, ready: tuple[int, ...]) -> Form:
        """Return the form for the parts at these positions. A single part is sent without the batch."""
        form = self.forms.get(ready)
        if form is None:
            form = self.forms[ready] = self._form([self.parts[position] for position in ready])
        return form

    def _form(self, parts: Sequence[CompiledPart]) -> Form:
        first = parts[0]
        fetch = first.fetch
        if len(parts) == 1 or self.batch is None:
            names = [fetch.representations] if fetch.requires else []
            return Form(fetch.operation, fetch.operation_name, fetch.variable_usages, names, [(first, first.responses)])
        batched = [part.part for part in parts if part.part is not None]
        return Form(
            self.batch.operation(batched),
            self.batch.operation_name,
            self.batch.variable_usages(batched),
            [part.representations for part in batched],
            [(part, part.batched) for part in parts],
        )
