"""The generated code of a plan can be read, debugged and repeated."""

from __future__ import annotations

import gc
import linecache
import traceback
import tracemalloc

import pytest
from graphql import parse

from router.executor.compiled.compile_plan import CompiledPlan, compile_plan, source_of
from router.executor.compiled.globals_of_generated_code import Misfit
from router.executor.compiled.response_shape import NotCompilable
from router.get_operation import get_operation
from router.planner import plan
from tests.router.shop import GRAPH

ME = "query($no: Boolean! = false) { me { name orders @skip(if: $no) { id amount } } }"
MANY_OBJECTS = "{ " + " ".join(f"a{n}: me {{ id name orders {{ id amount }} }}" for n in range(20)) + " }"


def program(query: str, **variables: bool) -> CompiledPlan:
    document = parse(query)
    return compile_plan(GRAPH.schema, get_operation(GRAPH.api_schema, document), plan(GRAPH, document), variables)


def source_of_program(query: str, **variables: bool) -> str:
    compiled = program(query, **variables)
    return "".join(linecache.getlines(compiled.filename))


def test_the_source_has_the_fields_of_the_operation_in_its_order() -> None:
    source = source_of_program(ME)
    assert source == source_of_program(ME), "the same plan has the same source"
    class_of_me = source[source.index("class Me1") :].split("\n\n")[0]
    assert class_of_me.splitlines()[1:] == [
        "    name: str | None",
        "    orders: UnsetType = UNSET",
        "    id: str",
        "    typename_: Literal['User'] = 'User'",
    ]


def test_a_condition_decides_what_is_compiled() -> None:
    assert "orders" in source_of_program(ME)
    assert "orders" not in source_of_program(ME, no=True)


def test_a_traceback_shows_the_lines_of_generated_code() -> None:
    compiled = program(ME)
    with pytest.raises(AttributeError) as caught:
        compiled.finish([[object()], [object()]])
    shown = "".join(traceback.format_exception(caught.value))
    assert compiled.filename in shown
    assert ".id = UNSET" in shown


def test_the_lines_are_forgotten_with_the_program() -> None:
    compiled = program(ME)
    filename = compiled.filename
    assert linecache.getline(filename, 1)
    del compiled
    gc.collect()
    assert not linecache.getline(filename, 1)


@pytest.mark.parametrize("query", [ME, MANY_OBJECTS])
def test_the_memory_of_a_compiled_plan_is_estimated(query: str) -> None:
    document = parse(query)
    operation, planned = get_operation(GRAPH.api_schema, document), plan(GRAPH, document)
    compile_plan(GRAPH.schema, operation, planned, {})  # what is loaded or cached only once is not counted
    measured, compiled = float("inf"), list[CompiledPlan]()
    for _ in range(3):  # a thread of another test may allocate memory meanwhile
        gc.collect()
        tracemalloc.start()
        try:
            compiled = [compile_plan(GRAPH.schema, operation, planned, {}) for _ in range(5)]
            measured = min(measured, tracemalloc.get_traced_memory()[0] / len(compiled))
        finally:
            tracemalloc.stop()
    assert 0.75 * measured < compiled[0].memory_bytes < 1.5 * measured


@pytest.mark.parametrize(("query", "reason"), [("{ __schema { queryType { name } } }", "introspection")])
def test_what_is_not_compiled_has_a_reason(query: str, reason: str) -> None:
    document = parse(query)
    with pytest.raises(NotCompilable, match=reason):
        source_of(GRAPH.schema, get_operation(GRAPH.api_schema, document), plan(GRAPH, document), {})


def test_a_misfit_is_not_an_error_of_the_client() -> None:
    assert not issubclass(Misfit, ValueError)
