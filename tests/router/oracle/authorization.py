"""Compares what the router fetches and returns for a client with a direct reading of the specification.

A case is (federation, restrictions, operation, client). The expected response is that of the monolith, whose resolvers
refuse what `Reading` says. The clients of an operation send it at the same time: as text, by its hash or id, or twice
in one HTTP request. Equal executions are shared.
`python -m tests.router.oracle.authorization --count 20000 --seed 1` runs many cases.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import re
import sys
import time
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import click
import httpx
import structlog
from graphql import OperationDefinitionNode, TypeInfo, TypeInfoVisitor, Visitor, parse, print_ast, visit

from router import Gateway, json_codec
from router.errors import ResponseError
from router.executor.context_and_result import ExecutionResult
from router.pipeline import RequestContext, Stage
from router.request.identity import Identity
from router.request.request_and_response import GraphQLRequest
from router.settings import read
from tests.router.oracle.choices import SeededChoices, chance, pick
from tests.router.oracle.comparison import ComposedFederation, ResponseDifference, compare_exactly, compare_responses
from tests.router.oracle.federation_generator import generate_federation
from tests.router.oracle.monolith import Monolith, ResponseTooLarge
from tests.router.oracle.operation_generator import Operation, generate_operation
from tests.router.oracle.restrictions import (
    Client,
    Reading,
    Restrictions,
    generate_client,
    generate_restrictions,
    restricted_sdl,
)
from tests.router.oracle.strict_subgraphs import InProcessSubgraphs

if TYPE_CHECKING:
    from graphql import ExecutionResult as MonolithResult
    from graphql import FieldNode

    from router.policies.authorization.policy_decisions import PolicyQuestion
    from router.transport.interface import SubgraphRequest, SubgraphResponse
    from tests.router.oracle.choices import Choices

REFUSED: Final = "UNAUTHORIZED_FIELD_OR_TYPE"
POLICY_HEADER: Final = "x-policies"
JSON: Final = {"content-type": "application/json"}
_FIELD_SETS: Final = re.compile(r'@(?:key|requires|provides|fromContext)\(\w+: "([^"]*)"')


class AuthorizationFailed(Exception):
    """A case in which the router and the reading differ (`__cause__`)."""

    def __init__(self, seed: int, restrictions: Restrictions, operation: Operation, client: Client) -> None:
        shown = "\n".join(f"  {name} {' '.join(map(str, clauses))}" for name, clauses in restrictions.items())
        super().__init__(f"seed {seed}\n{shown}\n{client}\n{operation.query}\n{operation.variables}")


def decide(question: PolicyQuestion) -> list[str]:
    """For the setting `authorization.policies.function`: the header has the policies that hold."""
    return question.headers[POLICY_HEADER].split()


@dataclass(slots=True)
class _RunningCase:
    """A case that is being tested: what its client may read, the subgraphs with its data, and its fetches so far."""

    reading: Reading
    transport: InProcessSubgraphs
    fetches: int = 0


_CASE: Final[ContextVar[_RunningCase]] = ContextVar("case")
"""The case of the current task, because the requests of several clients run at the same time."""


class _KnownClient(Stage):
    """Sets the identity of a case, and the labels that are active."""

    def __init__(self, labels: frozenset[str]) -> None:
        self.labels = labels

    async def on_request(self, context: RequestContext) -> None:
        client = _CASE.get().reading.client
        context.identity = Identity({"scope": sorted(client.scopes)}, client.scopes) if client.is_known else None

    async def on_operation(self, context: RequestContext, operation: Any) -> None:
        context.override_labels.update({label: label in self.labels for label in operation.override_labels})


@dataclass(slots=True)
class _Fetches:
    """Sends fetches to the subgraphs of a case, and checks that no fetch asks for what the client may not read."""

    inputs: frozenset[str]

    async def __call__(self, request: SubgraphRequest, /) -> SubgraphResponse:
        case = _CASE.get()
        case.fetches += 1
        await asyncio.sleep(0)  # the requests of the other clients go on
        check = _ForbiddenFields(case.transport.subgraphs[request.subgraph].schema, case.reading, self.inputs)
        visit(parse(request.operation), TypeInfoVisitor(check.type_info, check))
        if check.found:
            raise ResponseDifference(f"a fetch asks for {check.found}\n{request.operation}")
        return await case.transport.send(request)


class _ForbiddenFields(Visitor):
    """Finds the fields of a fetch that the client may read on no object. Inputs of other fetches are not found."""

    def __init__(self, schema: Any, reading: Reading, inputs: frozenset[str]) -> None:
        super().__init__()
        self.type_info = TypeInfo(schema)
        self.reading = reading
        self.inputs = inputs
        self.found: list[str] = []

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        parent, name = self.type_info.get_parent_type(), node.name.value
        if parent is None or name.startswith("_") or name in self.inputs:
            return
        schema = self.reading.schema
        type_: Any = schema.get_type(parent.name)
        objects = (
            [each.name for each in schema.get_possible_types(type_)]
            if hasattr(type_, "resolve_type")
            else [parent.name]
        )
        if not any(self._may_read(each, name) for each in objects):
            self.found.append(f"{parent.name}.{name}")

    def _may_read(self, parent: str, name: str) -> bool:
        type_: Any = self.reading.schema.get_type(parent)
        return type_ is None or name not in type_.fields or self.reading.may_read(parent, name)


class AuthorizationTrial:
    """One federation with one set of restrictions; `operations` operations, each for `clients` clients."""

    def __init__(self, seed: int, operations: int = 5, clients: int = 8) -> None:
        self.seed, self.operations, self.clients = seed, operations, clients
        self.choices: Choices = SeededChoices(seed)
        generated = generate_federation(self.choices)
        self.federation = ComposedFederation.of(generated)
        self.restrictions = generate_restrictions(self.choices, self.federation.supergraph.schema)
        self.stage = _KnownClient(generated.labels)
        inputs = {
            word
            for sdl in generated.subgraphs.values()
            for text in _FIELD_SETS.findall(sdl)
            for word in re.findall(r"\w+", text)
        }
        self.mode = "reject" if chance(self.choices, 25) else "filter"
        self.registers_documents = chance(self.choices, 50)
        self.generated = [self._operation() for _ in range(operations)]
        with TemporaryDirectory() as folder:
            settings = read(self._settings(Path(folder)), {})
            sdl = restricted_sdl(self.federation.supergraph.sdl, self.restrictions)
            send = _Fetches(frozenset(inputs))
            self.gateway = Gateway.from_supergraph(sdl, settings, send=send, stages=[self.stage])

    def _operation(self) -> Operation | None:
        operation = generate_operation(self.choices, self.federation.merged)
        if operation is None or "mutation" in operation.query[:8] or not chance(self.choices, 25):
            return operation
        return replace(operation, query=_with_introspection(operation.query))

    def _settings(self, folder: Path) -> str:
        """The settings of the router. Clients register documents, or the router has a list of them."""
        keys = f"mode: {self.mode}, log_refusals: false, policies: {{function: '{__name__}:decide'}}"
        settings = (
            f"authorization: {{{keys}}}\nlimits: {{list_items: null}}\nintrospection: true\n"
            "traffic: {share_operations: true}\nbatching: {enabled: true}\n"
        )
        if self.registers_documents:
            return settings + "apq: {enabled: true}\n"
        texts = [each.query for each in self.generated if each is not None]
        manifest = folder / "manifest.json"
        manifest.write_text(json.dumps({_hash(text): text for text in texts}))
        return settings + f"persisted_documents: {{mode: allow_list, manifests: ['{manifest}']}}\n"

    def run(self) -> int:
        """Test all cases; return their number."""
        return asyncio.run(self._run())

    async def _run(self) -> int:
        cases = 0
        for operation in filter(None, self.generated):
            clients = [generate_client(self.choices) for _ in range(self.clients)]
            ways = [pick(self.choices, ("text", "hash", "batch")) for _ in clients]
            with suppress(ResponseTooLarge):
                await self._case(operation, clients[0], "text and hash" if self.registers_documents else ways[0])
                cases += 1
                others = zip(clients[1:], ways[1:], strict=True)
                await asyncio.gather(*(self._case(operation, client, way) for client, way in others))
                cases += len(clients) - 1
        await self.gateway.aclose()
        return cases

    async def _case(self, operation: Operation, client: Client, way: str) -> None:
        try:
            await self._check(operation, client, way)
        except ResponseTooLarge:
            raise
        except Exception as error:
            raise AuthorizationFailed(self.seed, self.restrictions, operation, client) from error

    async def _check(self, operation: Operation, client: Client, way: str) -> None:
        federation = self.federation
        reading = Reading.of(federation.supergraph.schema, self.restrictions, client, _without_defer(operation.query))
        stores = federation.store(), federation.store()
        expected = _expected(federation, stores[0], operation, reading)
        case = _RunningCase(reading, InProcessSubgraphs.over(federation.rules, stores[1]))
        _CASE.set(case)
        for body in await self._responses(operation, client, way):
            self._check_response(body, operation, case, expected)

    async def _responses(self, operation: Operation, client: Client, way: str) -> list[Any]:
        headers = {POLICY_HEADER: " ".join(client.policies)}
        if way == "batch":
            entry = {"query": operation.query, "variables": operation.variables}
            batch = [entry] if "mutation" in operation.query[:8] else [entry, entry]
            transport = httpx.ASGITransport(self.gateway.asgi)
            async with httpx.AsyncClient(transport=transport, base_url="http://router") as http:
                response = await http.post("/graphql", content=json_codec.encode(batch), headers=headers | JSON)
            responses: Any = json_codec.decode(response.content)
            return responses if isinstance(responses, list) else [responses]
        request = GraphQLRequest(
            query="" if way == "hash" else operation.query,
            document_id=None if way == "text" else _hash(operation.query),
            variables=operation.variables,
            headers=headers,
        )
        return [(await self.gateway.execute(request)).body]

    def _check_response(self, body: Any, operation: Operation, case: _RunningCase, expected: MonolithResult) -> None:
        reading, errors = case.reading, body.get("errors", [])
        is_refused = "mutation" in operation.query[:8] or self.mode == "reject"
        if is_refused and reading.selects_refused(_with_defaults(reading, operation)):
            codes = {error["extensions"]["code"] for error in errors}
            if "data" in body or codes != {REFUSED} or case.fetches:
                raise ResponseDifference(f"the operation is not refused: {body}")
            return
        got = ExecutionResult(
            body.get("data"),
            tuple(ResponseError(message=each["message"], path=_path(each)) for each in errors),
        )
        _compare(expected, got, {each["extensions"]["code"] for each in errors})


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _with_introspection(query: str) -> str:
    """The operation with introspection fields at its root."""
    added = parse('{ introspected: __schema { queryType { name } } __type(name: "Query") { name } }')
    (fields,) = (
        each.selection_set.selections for each in added.definitions if isinstance(each, OperationDefinitionNode)
    )

    def extended(each: Any) -> Any:
        if not isinstance(each, OperationDefinitionNode):
            return each
        selections = (*each.selection_set.selections, *fields)
        return replace(each, selection_set=replace(each.selection_set, selections=selections))

    document = parse(query)
    return print_ast(replace(document, definitions=tuple(map(extended, document.definitions))))


def _path(error: dict[str, Any]) -> Any:
    return tuple(error["path"]) if "path" in error else None


def _compare(expected: MonolithResult, got: ExecutionResult, codes: set[str]) -> None:
    if any(error.message != REFUSED for error in expected.errors or ()):
        compare_responses(expected, got)
        return
    compare_exactly(expected, got)
    # The monolith drops the errors of fields beside a null that propagates; the router reports them too.
    if expected.errors and REFUSED not in codes:
        raise ResponseDifference(f"the errors have the codes {codes}: {got.errors}")


def _with_defaults(reading: Reading, operation: Operation) -> dict[str, object]:
    defaults = {
        each.variable.name.value: each.default_value.value
        for each in reading.operation.variable_definitions or ()
        if each.default_value is not None and hasattr(each.default_value, "value")
    }
    return {**defaults, **operation.variables}


def _expected(federation: ComposedFederation, store: Any, operation: Operation, reading: Reading) -> MonolithResult:
    monolith = Monolith(federation.merged, federation.rules)
    return monolith.execute_document(store, reading.document, operation.variables, reading.withholds)


def _without_defer(query: str) -> str:
    return re.sub(r"@defer\b(\([^)]*\))?", "", query)


@click.command()
@click.option("--count", default=20_000, show_default=True, help="Minimum number of cases.")
@click.option("--seed", default=1, show_default=True, help="Number of the run; it determines the cases.")
def main(count: int, seed: int) -> None:
    """Compare the router with a direct reading of the specification."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    started, cases, failing, number = time.monotonic(), 0, 0, seed * 1_000_000
    while cases < count and failing < 20:
        try:
            cases += AuthorizationTrial(number).run()
        except AuthorizationFailed as failure:
            failing += 1
            click.echo(f"{failure}\n{failure.__cause__}\n")
        number += 1
    click.echo(f"seed {seed}: {cases} cases, {failing} failures, {time.monotonic() - started:.0f} s")
    sys.exit(failing > 0)


if __name__ == "__main__":
    main()
