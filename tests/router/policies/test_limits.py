from __future__ import annotations

import pytest
from graphql import parse

from router.policies.limits import LimitExceeded, Size, check, measure
from router.settings.model import Limits

QUERY = """
query Q @a { x: f { g @b(c: 1) @d { h } ...F } ... on T @e { k ...F } }
fragment F on T { m { n { o: p } } }
"""


def test_everything_is_counted_through_fragments() -> None:
    assert list(measure(parse(QUERY))) == [Size(depth=4, height=10, aliases=3, directives=4, root_fields=3)]


def test_every_operation_is_measured() -> None:
    assert [size.root_fields for size in measure(parse("query A { a } query B { a b }"))] == [1, 2]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("depth", "MAX_DEPTH_LIMIT"),
        ("height", "MAX_HEIGHT_LIMIT"),
        ("aliases", "MAX_ALIASES_LIMIT"),
        ("directives", "MAX_DIRECTIVES_LIMIT"),
        ("root_fields", "MAX_ROOT_FIELDS_LIMIT"),
    ],
)
def test_each_limit_holds_at_its_value_and_not_below(name: str, code: str) -> None:
    counted = getattr(next(measure(parse(QUERY))), name)
    check(parse(QUERY), Limits.model_validate({name: counted}))
    with pytest.raises(LimitExceeded) as raised:
        check(parse(QUERY), Limits.model_validate({name: counted - 1}))
    assert raised.value.code == code
    assert raised.value.errors[0].code == code


def test_an_operations_name_has_a_length() -> None:
    check(parse("query Four { a }"), Limits(operation_name_length=4))
    with pytest.raises(LimitExceeded, match="longer than 3"):
        check(parse("query Four { a }"), Limits(operation_name_length=3))


def test_an_exponential_expansion_is_counted_in_linear_time() -> None:
    fragments = " ".join(f"fragment F{index} on T {{ ...F{index + 1} ...F{index + 1} }}" for index in range(200))
    (size,) = measure(parse(f"{{ ...F0 }} {fragments} fragment F200 on T {{ x }}"))
    assert size.height == 2**200


def test_a_fragment_that_spreads_itself_is_left_to_validation() -> None:
    check(parse("{ ...F } fragment F on T { x ...F }"), Limits())


def test_fragments_nested_without_end_are_refused() -> None:
    chain = " ".join(f"fragment F{index} on T {{ ...F{index + 1} }}" for index in range(2_000))
    with pytest.raises(LimitExceeded) as raised:
        check(parse(f"{{ ...F0 }} {chain} fragment F2000 on T {{ x }}"), Limits())
    assert raised.value.code == "MAX_DEPTH_LIMIT"
