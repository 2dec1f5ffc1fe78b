"""Inputs become the same objects as those that Strawberry builds.

Covers `subgraphs/kit/input_objects.py`.
"""

# No `from __future__ import annotations`: Strawberry reads these annotations while the module is still loading.
from decimal import Decimal
from enum import Enum
from typing import Any

import pytest
import strawberry
from strawberry import UNSET
from strawberry.schema.config import StrawberryConfig
from strawberry.types.base import StrawberryObjectDefinition, get_object_definition

from subgraphs.kit.input_objects import prepare_inputs

received: list[object] = []


@strawberry.enum
class Binding(Enum):
    PAPER = "soft"
    CLOTH = "hard"


@strawberry.input
class Page:
    number: int
    bindings: list[Binding] = strawberry.field(default_factory=list)


@strawberry.input
class Book:
    title_of_book: str
    price: Decimal | None = UNSET
    shelf: str | None
    binding: Binding = Binding.PAPER
    first: Page | None = None
    pages: list[Page] = strawberry.field(default_factory=list)
    id: strawberry.ID = strawberry.field(name="isbn", default=strawberry.ID("none"))


@strawberry.input
class Note:
    text: strawberry.Maybe[str]


@strawberry.type
class Query:
    @strawberry.field
    def keep(self, book: Book | None = None, note: Note | None = None) -> bool:
        received.append((book, note))
        return True


def definition_of(type_: type) -> StrawberryObjectDefinition:
    return get_object_definition(type_, strict=True)


def objects_of(arguments: str, variables: dict[str, Any] | None = None, *, prepared: bool) -> object:
    """Return what the resolver gets."""
    inputs = [definition_of(each) for each in (Book, Page, Note)]
    for definition in inputs:
        definition.from_input = None
    schema = strawberry.Schema(Query, config=StrawberryConfig())
    if prepared:
        prepare_inputs(schema.schema_converter.type_map.values(), schema.config)
    received.clear()
    declared = "($book: Book!)" if variables is not None else ""
    result = schema.execute_sync(f"query Keep{declared} {{ keep({arguments}) }}", variables)
    assert result.errors is None
    return received[0]


@pytest.mark.parametrize(
    "arguments",
    [
        'book: {titleOfBook: "a"}',
        'book: {titleOfBook: "a", price: null, shelf: null}',
        'book: {titleOfBook: "a", price: "1.50", shelf: "s", binding: CLOTH, isbn: "1"}',
        'book: {titleOfBook: "a", first: {number: 1}, pages: [{number: 2, bindings: [PAPER, CLOTH]}, {number: 3}]}',
        'book: null, note: {text: "b"}',
        "note: {}",
    ],
)
def test_the_same_objects_as_without_preparation(arguments: str) -> None:
    assert objects_of(arguments, prepared=True) == objects_of(arguments, prepared=False)


def test_variables_become_objects_too() -> None:
    book = {"titleOfBook": "a", "price": "2.50", "binding": "CLOTH", "first": {"number": 4, "bindings": ["PAPER"]}}
    expected = Book(
        title_of_book="a",
        price=Decimal("2.50"),
        shelf=None,
        binding=Binding.CLOTH,
        first=Page(number=4, bindings=[Binding.PAPER]),
    )
    assert objects_of("book: $book", {"book": book}, prepared=True) == (expected, None)


def test_wrapped_values_and_own_functions_are_left_alone() -> None:
    objects_of("note: {}", prepared=True)
    assert definition_of(Note).from_input is None
    assert definition_of(Book).from_input is not None
    own = definition_of(Book).from_input
    schema = strawberry.Schema(Query, config=StrawberryConfig())
    prepare_inputs(schema.schema_converter.type_map.values(), schema.config)
    assert definition_of(Book).from_input is own
