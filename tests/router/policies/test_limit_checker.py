from __future__ import annotations

from typing import get_args

import pytest
from graphql import DocumentNode, parse

from router.errors import LimitExceeded
from router.policies.limit_checker import LimitChecker
from router.settings.sections.limits import LimitName, Limits

QUERY = """
query Query @a { x: f { g @b(c: 1) @d { h } ...F } ... on T @e { k ...F } __type { fields { interfaces } } }
fragment F on T { m { n { o: p } } }
"""
# What QUERY has of each.
COUNTED: dict[LimitName, int] = {
    "depth": 4,
    "fields": 13,
    "height": 13,
    "aliases": 3,
    "directives": 4,
    "root_fields": 4,
    "introspection_depth": 2,
    "operation_name_length": 5,
}
TEXT: dict[LimitName, int] = {"tokens": 58, "recursion": 3}


def watch(**limits: object) -> LimitChecker:
    return LimitChecker(Limits.model_validate(limits))


def test_every_limit_is_a_key_and_every_key_a_limit() -> None:
    assert {*Limits.model_fields} - {"measure"} == {*get_args(LimitName)}


@pytest.mark.parametrize("name", COUNTED)
def test_each_limit_holds_at_its_value_and_not_below(name: LimitName) -> None:
    assert watch(**{name: COUNTED[name]}).check_document(parse(QUERY)) == []
    strict = watch(**{name: COUNTED[name] - 1})
    with pytest.raises(LimitExceeded) as raised:
        strict.check_document(parse(QUERY))
    assert raised.value.code == f"MAX_{name.upper().removesuffix('_LENGTH')}_LIMIT"
    assert str(COUNTED[name] - 1) in raised.value.message
    assert strict.exceeded == {name: 1}


@pytest.mark.parametrize("name", TEXT)
def test_limits_of_the_text_hold_at_their_value_and_not_below(name: LimitName) -> None:
    assert watch(**{name: TEXT[name]}).check_text(QUERY) == []
    with pytest.raises(LimitExceeded) as raised:
        watch(**{name: TEXT[name] - 1}).check_text(QUERY)
    assert raised.value.code == f"MAX_{name.upper()}_LIMIT"


@pytest.mark.parametrize("name", [*COUNTED, *TEXT])
def test_a_measured_limit_refuses_nothing_and_counts(name: LimitName) -> None:
    lenient = watch(**{name: 1, "measure": [name]})
    assert [*lenient.check_text(QUERY), *lenient.check_document(parse(QUERY))] == [name]
    lenient.count([name])
    assert lenient.exceeded == {name: 2}


def test_a_measured_limit_does_not_hide_an_enforced_one() -> None:
    with pytest.raises(LimitExceeded) as raised:
        watch(depth=1, aliases=1, measure=["depth"]).check_document(parse(QUERY))
    assert raised.value.code == "MAX_ALIASES_LIMIT"


def test_a_limit_that_is_off_counts_nothing() -> None:
    off = watch(depth=None, fields=None)
    assert off.check_document(parse(QUERY)) == []
    assert not off.exceeded


def test_a_fragment_that_spreads_itself_is_left_to_validation() -> None:
    assert watch().check_document(parse("{ ...F } fragment F on T { x ...F }")) == []


def chain(length: int) -> DocumentNode:
    fragments = " ".join(f"fragment F{index} on T {{ ...F{index + 1} }}" for index in range(length))
    return parse(f"{{ ...F0 }} {fragments} fragment F{length} on T {{ x }}")


@pytest.mark.parametrize("measure", [[], ["depth"]])
def test_fragments_nested_without_end_are_refused(measure: list[str]) -> None:
    with pytest.raises(LimitExceeded) as raised:
        watch(measure=measure).check_document(chain(2_000))
    assert raised.value.code == "MAX_DEPTH_LIMIT"
