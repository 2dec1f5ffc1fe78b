"""A client of the router sees why an operation is too expensive, for the router or a service; nothing is masked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.platform import Platform

pytestmark = pytest.mark.xdist_group("bank")

TOO_MANY_ALIASES = "{" + " ".join(f"a{number}: accounts(first: 1) {{ totalCount }}" for number in range(31)) + "}"
TOO_EXPENSIVE = "{ accounts(first: 100) { nodes { transactions(first: 100) { nodes { id } } } } }"


@pytest.mark.parametrize(
    ("query", "code"), [(TOO_MANY_ALIASES, "MAX_ALIASES_LIMIT"), (TOO_EXPENSIVE, "QUERY_TOO_EXPENSIVE")]
)
def test_an_operation_that_is_too_much_gets_the_code_of_the_limit(bank: Platform, query: str, code: str) -> None:
    person = bank.register("Limited")
    bank.open_account(person)
    codes = {error["extensions"]["code"] for error in bank.graphql(query, person)["errors"]}
    assert codes == {code}
