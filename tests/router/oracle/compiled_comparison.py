"""Runs an operation with the interpreter and with the compiled plan over the same responses, and compares the results.

The responses of the subgraphs are recorded while the interpreter runs, with one fault in one of them or without. They
are replayed to the compiled plan twice, because executions share what follows from equal responses. Results are equal
if their data are the same bytes and their errors are the same. Without a fault, the compiled plan sends the requests
that the interpreter has sent, each as often.

If a response has unknown fields, the plan is compiled again, as the router does it, and compared once more: with the
same responses, and with another fault.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field, replace
from linecache import getlines
from typing import TYPE_CHECKING, Final

from graphql import parse

from router.executor.compiled.compile_plan import compile_plan, with_found_extra_fields
from router.executor.compiled.execution import execute_compiled
from router.executor.compiled.recorded_responses import UnknownField
from router.executor.compiled.response_shape import NotCompilable
from router.executor.context_and_result import ExecutionContext
from router.executor.graphql.variable_coercion import coerce
from router.executor.interpreter.execution import execute
from router.get_operation import get_operation
from router.json_codec import canonical, encode
from router.transport.interface import SharedBody, SubgraphResponse
from tests.router.oracle.response_faults import FAULTS, with_fault
from tests.router.oracle.strict_subgraphs import InProcessSubgraphs

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

    from router.executor.compiled.compile_plan import CompiledPlan
    from router.executor.context_and_result import ExecutionResult
    from router.get_operation import PreparedOperation
    from router.plan import QueryPlan
    from router.transport.interface import SubgraphRequest
    from tests.router.oracle.comparison import ComposedFederation
    from tests.router.oracle.operation_generator import Operation


EVERY: Final = -2
EXTRA_FIELD: Final = "extra field"


class CompiledDifference(AssertionError):
    """The compiled plan and the interpreter differ."""


@dataclass(slots=True)
class CompiledTally:
    """The counts of a run.

    Attributes:
        executions: Executions with both, with faults and without.
        error_free: Executions whose result has no errors, by whether the compiled path was taken.
        reasons: Why plans were not compiled, or why responses did not fit, in executions without errors.
        extra_fields: Executions of plans that accept unknown fields, by whether the compiled path was taken.
    """

    executions: int = 0
    error_free: Counter[bool] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    extra_fields: Counter[bool] = field(default_factory=Counter)

    def add(self, other: CompiledTally) -> None:
        self.executions += other.executions
        self.error_free += other.error_free
        self.reasons += other.reasons
        self.extra_fields += other.extra_fields


@dataclass(slots=True)
class Recorder:
    """Sends requests to subgraphs and keeps the responses. The response to the request number `faulty` gets a fault.

    If `faulty` is `EVERY`, each response gets several faults.

    Equal requests get equal responses, because nothing tells which of them is sent first.
    """

    source: InProcessSubgraphs
    faulty: int = -1
    fault: str = ""
    random: Random | None = None
    sent: list[tuple[bytes, SubgraphResponse]] = field(default_factory=list)

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        response, key = await self.source.send(request), _key(request)
        earlier = next((earlier for sent, earlier in self.sent if sent == key), None)
        if earlier is not None:
            response = earlier
        elif self.faulty in {len(self.sent), EVERY} and self.random is not None:
            for _ in range(3 if self.faulty == EVERY else 1):
                response = SubgraphResponse(status=200, body=with_fault(response.body, self.fault, self.random))
        if earlier is None:
            response = SubgraphResponse(status=200, body=SharedBody(response.body))
        self.sent.append((key, response))
        return response

    async def aclose(self) -> None:
        await self.source.aclose()


@dataclass(slots=True)
class Replay:
    """Returns the recorded responses, each once. Other requests are sent to `source`, if there is one, and counted.

    Which of two fetches is merged first is a matter of time. So if a fault in one of them prevents a third fetch, the
    compiled plan may have sent the third fetch before it saw the fault.
    """

    sent: list[tuple[bytes, SubgraphResponse]]
    source: InProcessSubgraphs | None = None

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        key = _key(request)
        for index, (recorded, response) in enumerate(self.sent):
            if recorded == key:
                del self.sent[index]
                return response
        if self.source is not None:
            return await self.source.send(request)
        raise CompiledDifference(f"a request that the interpreter did not send, or sent less often: {key.decode()}")

    async def aclose(self) -> None:
        self.sent.clear()


def _key(request: SubgraphRequest) -> bytes:
    return canonical([request.subgraph, request.operation, dict(request.variables)])


def check_compiled(
    federation: ComposedFederation, operation: Operation, planned: QueryPlan, random: Random, tally: CompiledTally
) -> None:
    """Compare without a fault, and with each kind of fault in the response to a random request.

    Raises:
        CompiledDifference: the results differ.
    """
    prepared = get_operation(federation.supergraph.api_schema, parse(operation.query))
    variables = coerce(prepared, operation.variables)
    reason = ""
    compiled: CompiledPlan | None = None
    try:
        compiled = compile_plan(federation.supergraph.schema, prepared, planned, variables)
    except NotCompilable as why:
        reason = str(why)
    pair = _Pair(federation, prepared, planned, variables, compiled, reason, tally)
    requests = pair.check(-1, "", random)
    if compiled is not None and requests:
        for fault in FAULTS:
            pair.check(random.randrange(requests), fault, random)
        pair.check(EVERY, EXTRA_FIELD, random)


@dataclass(slots=True)
class _Pair:
    federation: ComposedFederation
    prepared: PreparedOperation
    planned: QueryPlan
    variables: Mapping[str, object]
    compiled: CompiledPlan | None
    reason: str
    tally: CompiledTally

    def check(self, faulty: int, fault: str, random: Random) -> int:
        """Compare one execution; return the number of requests."""
        source = InProcessSubgraphs.over(self.federation.rules, self.federation.store())
        recorder = Recorder(source, faulty, fault, random)
        schema = self.federation.supergraph.schema
        expected = asyncio.run(execute(self.planned, self.prepared, ExecutionContext(schema, recorder, self.variables)))
        requests, taken, misfit = len(recorder.sent), False, None
        self.tally.executions += 1
        if self.compiled is not None:
            for _ in range(2):  # the second execution takes what the first one has computed from the same bodies
                replayed = Replay([*recorder.sent], source if fault else None)
                context = ExecutionContext(schema, replayed, self.variables)
                try:
                    got, misfit = asyncio.run(execute_compiled(self.compiled, self.planned, self.prepared, context))
                except Exception as error:
                    raise CompiledDifference(
                        f"fault {fault!r}: {type(error).__name__}: {error}{self._report(recorder)}"
                    ) from error
                self._compare(expected, got, fault, recorder)
                if replayed.sent:
                    raise CompiledDifference(f"fault {fault!r}: requests are missing{self._report(recorder)}")
            taken = misfit is None
            self.reason = str(misfit)
            if self.compiled.extra.found and fault == EXTRA_FIELD:
                self.tally.extra_fields[taken] += 1
            if isinstance(misfit, UnknownField):
                self._check_compiled_again(misfit, (expected, recorder), random)
        if not expected.errors and not fault:
            self.tally.error_free[taken] += 1
            if not taken:
                self.tally.reasons[self.reason] += 1
        return requests

    def _check_compiled_again(
        self, misfit: UnknownField, seen: tuple[ExecutionResult, Recorder], random: Random
    ) -> None:
        """Compile the plan again, so that it accepts the unknown fields, and compare once more."""
        expected, recorder = seen
        schema = self.federation.supergraph.schema
        assert self.compiled is not None
        compiled = with_found_extra_fields(self.compiled, schema, self.prepared, self.planned, misfit)
        if compiled is None:
            return
        context = ExecutionContext(schema, Replay([*recorder.sent], recorder.source), self.variables)
        got, other = asyncio.run(execute_compiled(compiled, self.planned, self.prepared, context))
        self.tally.extra_fields[other is None] += 1
        self._compare(expected, got, EXTRA_FIELD, recorder)
        if not self.compiled.extra.found:
            again = replace(self, compiled=compiled)
            again.check(random.randrange(len(recorder.sent)), random.choice([*FAULTS]), random)
            again.check(EVERY, EXTRA_FIELD, random)

    def _compare(self, expected: ExecutionResult, got: ExecutionResult, fault: str, recorder: Recorder) -> None:
        if encode(expected.data) != encode(got.data) or _errors(expected) != _errors(got):
            raise CompiledDifference(
                f"fault {fault!r}\nexpected {encode(expected.data)!r}\n{expected.errors}\n"
                f"got      {encode(got.data)!r}\n{got.errors}{self._report(recorder)}"
            )

    def _report(self, recorder: Recorder) -> str:
        responses = "\n".join(f"{key.decode()}\n   {response.body!r}" for key, response in recorder.sent)
        source = "".join(getlines(self.compiled.filename)) if self.compiled is not None else ""
        return f"\n{responses}\n{self.planned.to_text()}\n{source}"


def _errors(result: ExecutionResult) -> list[str]:
    return sorted(
        json.dumps([error.message, error.code, error.path, repr(error.extensions)]) for error in result.errors
    )
