"""Problems as JSON and as GraphQL objects.

Covers `subgraphs/kit/domain_problems.py` and `subgraphs/kit/graphql_problems.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

import pytest
import strawberry

from subgraphs.kit.domain_problems import camel_case, facts, to_json
from subgraphs.kit.graphql_problems import Problem, graphql_problem


@dataclass(frozen=True)
class TooShort:
    code: ClassVar[str] = "TOO_SHORT"
    message: ClassVar[str] = "Too short"
    least_length: Decimal
    given_by: str | None = None


@strawberry.type
class TooShortProblem(Problem):
    least_length: Decimal
    given_by: str | None


def test_json_has_code_message_and_facts_with_amounts_as_plain_strings() -> None:
    assert to_json(TooShort(Decimal("1E+2"))) == {
        "code": "TOO_SHORT",
        "message": "Too short",
        "leastLength": "100",
        "givenBy": None,
    }
    assert facts(TooShort(Decimal("1.50"), "ann")) == {"least_length": Decimal("1.50"), "given_by": "ann"}


def test_the_table_selects_the_graphql_type() -> None:
    problem = graphql_problem(TooShort(Decimal("1.50"), "ann"), {TooShort: TooShortProblem})
    assert problem == TooShortProblem(
        code="TOO_SHORT", message="Too short", least_length=Decimal("1.50"), given_by="ann"
    )
    with pytest.raises(KeyError):
        graphql_problem(TooShort(Decimal("1.50")), {})


@pytest.mark.parametrize(("name", "expected"), [("limit", "limit"), ("current_version_of", "currentVersionOf")])
def test_names_in_camel_case(name: str, expected: str) -> None:
    assert camel_case(name) == expected
