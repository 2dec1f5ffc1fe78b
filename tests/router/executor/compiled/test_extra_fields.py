"""Fields that subgraphs send without being asked: the plan is compiled again, and accepts them (`extra_fields`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from graphql import parse

from router.executor.compiled.compile_plan import CompiledPlan, compile_plan, with_found_extra_fields
from router.executor.compiled.execution import execute_compiled
from router.executor.compiled.extra_fields import LONGEST_NAME, MOST_FIELDS
from router.executor.compiled.recorded_responses import UnknownField
from router.executor.context_and_result import ExecutionContext
from router.executor.interpreter.execution import execute
from router.get_operation import get_operation
from router.json_codec import encode
from router.planner import plan
from router.transport.interface import SubgraphResponse
from tests.router.planner.federation import composed

if TYPE_CHECKING:
    from router.transport.interface import SubgraphRequest

GRAPH = composed(
    people='type Query { people: [Person!] } type Person @key(fields: "id") { id: ID! name: String home: Home }'
    " type Home { town: String }",
    ages='type Person @key(fields: "id") { id: ID! age: Int }',
    jobs='type Person @key(fields: "id") { id: ID! job: String }',
)
DOCUMENT = parse("{ people { name home { town } age job } }")
OPERATION, PLAN = get_operation(GRAPH.api_schema, DOCUMENT), plan(GRAPH, DOCUMENT)
PERSON = '"__typename":"Person","id":"1","name":"Ada","home":{"town":"Bern"}'
EXPECTED = b'{"people":[{"name":"Ada","home":{"town":"Bern"},"age":7,"job":"smith"}]}'


def bodies(person: str = "", age: str = "", job: str = "", around: str = "") -> dict[str, bytes]:
    """The bodies of the responses, with these members more in the objects."""
    return {
        "people": f'{{{around}"data":{{"people":[{{{person}{PERSON}}}]}}}}'.encode("utf-8", "surrogateescape"),
        "ages": f'{{"data":{{{around}"_entities":[{{{age}"age":7}}]}}}}'.encode("utf-8", "surrogateescape"),
        "jobs": f'{{"data":{{"_entities":[{{{job}"job":"smith"}}]}}}}'.encode("utf-8", "surrogateescape"),
    }


class Answers:
    """A transport that has one response for each subgraph."""

    def __init__(self, answers: dict[str, bytes]) -> None:
        self.answers = answers
        self.requests = 0

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        self.requests += 1
        return SubgraphResponse(status=200, body=self.answers[request.subgraph])

    async def aclose(self) -> None:
        self.answers.clear()


async def run(compiled: CompiledPlan, answers: dict[str, bytes]) -> Exception | None:
    """Execute the plan, compare with the interpreter, and return the misfit."""
    first, second = Answers(answers), Answers(answers)
    expected = await execute(PLAN, OPERATION, ExecutionContext(GRAPH.schema, first))
    got, misfit = await execute_compiled(compiled, PLAN, OPERATION, ExecutionContext(GRAPH.schema, second))
    assert (encode(got.data), got.errors, second.requests) == (encode(expected.data), expected.errors, first.requests)
    if misfit is None:
        assert encode(got.data) == EXPECTED
    return misfit


async def learned(answers: dict[str, bytes]) -> CompiledPlan | None:
    """Compile the plan, execute it, and compile it again with the unknown fields."""
    compiled = compile_plan(GRAPH.schema, OPERATION, PLAN, {})
    misfit = await run(compiled, answers)
    assert isinstance(misfit, UnknownField)
    return with_found_extra_fields(compiled, GRAPH.schema, OPERATION, PLAN, misfit)


@pytest.mark.parametrize(
    "answers",
    [
        bodies(person='"debug":{"ms":[1,2]},'),
        bodies(age='"debug":1.5,'),
        bodies(age='"a":1,"b":null,"class":"x","__x":true,'),
        bodies(person='"debug":1,', age='"debug":"x",', job='"debug":null,'),
        bodies(age='"id":"1",'),
        bodies(age='"__typename":"Person","id":"1",'),
        bodies(around='"took":12,'),
        {**bodies(), "people": b'{"data":{"people":[{' + PERSON[:-1].encode() + b',"zip":3}}],"more":{"a":1}}}'},
        {**bodies(), "people": b'{"data":{"people":[{' + PERSON[:-1].encode() + b',"__typename":"Home"}}]}}'},
    ],
    ids=lambda each: b" ".join(each.values()).decode()[:150],
)
async def test_a_plan_accepts_extra_fields_that_it_has_seen(answers: dict[str, bytes]) -> None:
    compiled = await learned(answers)
    assert compiled is not None
    assert await run(compiled, answers) is None
    assert await run(compiled, bodies()) is None, "the fields may be absent"
    assert await run(compiled, bodies(age='"other":1,')) is not None, "other fields are unknown"


@pytest.mark.parametrize(
    "changed",
    [
        bodies(age='"id":"2",', person='"debug":1,'),
        bodies(age='"id":1,', person='"debug":1,'),
        bodies(age='"id":null,', person='"debug":1,'),
        bodies(age='"id":"1",', person='"debug":"\udcff",'),
        bodies(age='"id":"1",', person='"debug":1e99999999999999999999,'),
        bodies(age='"id":"1",', person=f'"debug":{"9" * 5000},'),
        bodies(age='"id":"1",', person='"debug":"\\ud800",'),
    ],
    ids=lambda each: repr(b" ".join(each.values()))[:150],
)
async def test_values_that_would_change_the_response_do_not_fit(changed: dict[str, bytes]) -> None:
    compiled = await learned(bodies(age='"id":"1",', person='"debug":1,'))
    assert compiled is not None
    assert await run(compiled, bodies(age='"id":"1",', person='"debug":1,')) is None
    assert await run(compiled, changed) is not None


async def test_objects_from_two_fetches_do_not_fit() -> None:
    compiled = await learned(bodies(age='"debug":1,', job='"debug":1,'))
    assert compiled is not None
    conflict = bodies(age='"debug":{"a":1},', job='"debug":2,')
    misfit = await run(compiled, conflict)
    assert "were not asked for" in str(misfit)


async def test_a_field_that_another_fetch_returns_later_stays_unknown() -> None:
    misfit = await run(compile_plan(GRAPH.schema, OPERATION, PLAN, {}), bodies(person='"age":8,'))
    assert "another fetch" in str(misfit)


async def test_a_wrong_type_name_does_not_fit() -> None:
    compiled = await learned(bodies(age='"__typename":"Person",'))
    assert compiled is not None
    assert await run(compiled, bodies(age='"__typename":"Person",')) is None
    assert await run(compiled, bodies(age='"__typename":"Robot",')) is not None


async def test_the_number_and_the_length_of_extra_fields_are_limited() -> None:
    many = "".join(f'"f{number}":1,' for number in range(MOST_FIELDS + 1))
    compiled = await learned(bodies(age=many))
    assert compiled is not None
    assert len(compiled.extra.found) == MOST_FIELDS
    assert isinstance(await run(compiled, bodies(age=many)), UnknownField)
    assert await learned(bodies(age=f'"{"x" * (LONGEST_NAME + 1)}":1,')) is None
