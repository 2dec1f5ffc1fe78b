from __future__ import annotations

import gc
import tracemalloc

import pytest
from graphql import GraphQLObjectType, parse

from router.storage.memory_size import memory_size

FIELDS = " ".join(f"alias{number}: name" for number in range(2_000))


@pytest.mark.parametrize(
    "text",
    [f"{{ me {{ {FIELDS} }} }}", "{ me }" + "#x\n" * 20_000, '{ me(a: "' + "x" * 500_000 + '") }', "{ me }" + "é" * 9],
    ids=["fields", "comments", "string", "short"],
)
def test_a_parsed_document_has_about_the_size_that_python_allocates(text: str) -> None:
    text = text.replace("é", " ")
    gc.collect()
    tracemalloc.start()
    document = parse(text)
    gc.collect()
    allocated, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    size = memory_size(document) - memory_size(text)  # the text was there before
    assert 0.7 * allocated - 5_000 < size < 1.4 * allocated + 5_000


def test_what_several_values_share_counts_once() -> None:
    text = "x" * 10_000
    assert memory_size([text], [text]) < 2 * len(text)


def test_types_of_the_schema_do_not_count() -> None:
    big = GraphQLObjectType("Big", {}, description="x" * 100_000)
    assert memory_size({"type": big}) < 1_000


def test_a_cycle_ends() -> None:
    one: list[object] = []
    one.append(one)
    assert memory_size(one) < 1_000
