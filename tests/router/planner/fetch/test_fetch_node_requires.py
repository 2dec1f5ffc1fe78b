"""`requires` of a fetch node: the fields of representations, and the guards of these fields."""

from __future__ import annotations

import pytest

from router.plan import InputField, InputFragment, Key, KeyRenamer, TypeIs
from router.planner.fetch.fetch_groups import RepresentationInput
from router.planner.fetch.fetch_node_requires import requires_of, rewrites_of
from router.planner.normalise.skip_and_include_guards import ALWAYS, Guards

X: Guards = frozenset({("x", True)})
Y: Guards = frozenset({("y", False)})
X_HOLDS, Y_HOLDS = (("x", True),), (("y", False),)


def given(
    *names: str, type_name: str = "T", usages: tuple[Guards, ...] = (ALWAYS,), fetched: Guards = ALWAYS
) -> RepresentationInput:
    """Return an input whose last value is fetched under the named guards, and whose other values are always fetched."""
    return RepresentationInput(
        type_name,
        tuple(InputField(name) for name in names),
        usages,
        tuple(((name,), name) for name in names),
        tuple(((name,), (fetched if name == names[-1] else ALWAYS,)) for name in names),
    )


def alternative(*names: str, type_name: str = "T", conditions: tuple[tuple[tuple[str, bool], ...], ...] = ()) -> object:
    return InputFragment(type_name, tuple(InputField(name) for name in ("__typename", *names)), conditions)


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        pytest.param(
            [given("id"), given("id", "price")],
            [alternative("id", "price")],
            id="values that are always there go together",
        ),
        pytest.param(
            [given("id"), given("id", "price", usages=(X,), fetched=X)],
            [alternative("id"), alternative("id", "price", conditions=(X_HOLDS,))],
            id="a value that may not be there only where a field needs it",
        ),
        pytest.param(
            [given("id"), given("id", "price", usages=(X,))],
            [alternative("id", "price")],
            id="a value that is there anyway although its field may not be wanted",
        ),
        pytest.param(
            [given("id", usages=(X,), fetched=X), given("id", usages=(Y,), fetched=Y)],
            [alternative("id", conditions=(X_HOLDS, Y_HOLDS))],
            id="what every field needs, where one of them is wanted",
        ),
        pytest.param(
            [
                given("id", "price", usages=(X,), fetched=X),
                given("id", "size", usages=(Y,), fetched=Y),
                given("id", "fee", usages=(X,), fetched=X),
            ],
            [
                alternative("id", "price", "fee", conditions=(X_HOLDS,)),
                alternative("id", "size", conditions=(Y_HOLDS,)),
            ],
            id="one alternative for each condition",
        ),
        pytest.param(
            [given("id"), given("id", type_name="U", usages=(X,), fetched=X)],
            [alternative("id"), alternative("id", type_name="U", conditions=(X_HOLDS,))],
            id="objects of a type of which nothing may be wanted",
        ),
    ],
)
def test_alternatives_differ_by_when_they_are_needed(inputs: list[RepresentationInput], expected: list[object]) -> None:
    assert list(requires_of(inputs, ALWAYS)) == expected


def test_a_condition_of_the_whole_fetch_is_none_of_an_alternative() -> None:
    inputs = [given("id", usages=(X,), fetched=X), given("id", "price", usages=(X | Y,), fetched=X | Y)]
    assert list(requires_of(inputs, X)) == [alternative("id"), alternative("id", "price", conditions=(Y_HOLDS,))]


def test_selections_of_one_object_unite() -> None:
    first = RepresentationInput("T", (InputField("kv", (InputField("id"),)),), (ALWAYS,), (), ())
    second = RepresentationInput("T", (InputField("kv", (InputField("n"),)),), (ALWAYS,), (), ())
    (united,) = requires_of([first, second], ALWAYS)
    assert united.selections == (InputField("__typename"), InputField("kv", (InputField("id"), InputField("n"))))


def test_a_rewrite_that_several_inputs_want_is_done_once() -> None:
    renamer = KeyRenamer((TypeIs(("T",)), Key("price__alias_0")), "price")
    inputs = [RepresentationInput("T", (), (ALWAYS,), (), (), (renamer,)) for _ in range(2)]
    assert rewrites_of(inputs) == (renamer,)
