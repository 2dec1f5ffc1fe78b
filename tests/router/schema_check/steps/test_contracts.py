from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from graphql import build_schema

from router.schema_check.approvals import Approval
from router.schema_check.policy.check_settings import CheckSettings, ContractRule
from router.schema_check.schema_versions import SchemaVersion
from router.schema_check.step_findings import Level
from router.schema_check.steps.run_check import run_check
from tests.router.schema_check.steps.versions import compared, version

OLD = (
    'type Query { a: Int @tag(name: "public") b: B @tag(name: "public") c: Int } type B { x: Int @tag(name: "public") }'
)
SETTINGS = CheckSettings(contracts={"public": ContractRule(include=("public",), hide_unreachable=True)})


def findings(new: str, *operations: str) -> list[tuple[str, Level]]:
    given = compared(version("base", s=OLD), version("new", s=new), *operations)
    return [(each.id, each.level) for each in run_check(given, SETTINGS).step_findings]


def test_an_element_that_loses_its_tag_breaks_the_contract() -> None:
    lost = ("contracts:FIELD_REMOVED:Query.a:public", Level.ERROR)
    assert findings(OLD.replace('a: Int @tag(name: "public")', "a: Int")) == [lost]


def test_an_element_that_gets_a_tag_breaks_nothing() -> None:
    assert findings(OLD.replace("c: Int", 'c: Int @tag(name: "public")')) == []


def test_what_the_whole_schema_loses_is_told_once() -> None:
    assert findings(OLD.replace('a: Int @tag(name: "public")', "")) == []


def test_a_change_outside_the_contract_is_none_of_it() -> None:
    assert findings(OLD.replace("c: Int", "")) == []


def test_operations_of_the_contract_decide() -> None:
    new = OLD.replace('a: Int @tag(name: "public")', "a: Int")
    assert findings(new, "{ b { x } }") == []
    assert findings(new, "{ a }") == [("contracts:FIELD_REMOVED:Query.a:public", Level.ERROR)]
    # Only a client of the whole schema sends this operation.
    assert findings(new, "{ a c }") == []


def test_a_contract_that_is_no_schema() -> None:
    (found,) = findings(OLD.replace('x: Int @tag(name: "public")', "x: Int"))
    assert found == ("contracts:CONTRACT_INVALID:public", Level.ERROR)


def test_a_contract_that_was_no_schema_is_not_compared() -> None:
    broken = version("base", s=OLD.replace('x: Int @tag(name: "public")', "x: Int"))
    result = run_check(compared(broken, version("new", s=OLD)), SETTINGS)
    assert [(each.code, each.level) for each in result.step_findings] == [("CONTRACT_WAS_INVALID", Level.INFO)]


def test_a_tag_that_no_element_has() -> None:
    settings = CheckSettings(contracts={"x": ContractRule(exclude=("intern",))})
    same = version("base", s=OLD)
    (found,) = run_check(compared(same, same), settings).step_findings
    assert (found.code, found.level, found.advice) == ("UNKNOWN_TAG", Level.WARNING, "The tags are: public.")


def test_a_finding_can_be_approved() -> None:
    given = compared(version("base", s=OLD), version("new", s=OLD.replace('a: Int @tag(name: "public")', "a: Int")))
    approval = Approval("contracts:FIELD_REMOVED:Query.a:public", "nobody uses it", "ann", date(2026, 2, 1), "a.yaml:2")
    result = run_check(replace(given, approvals=(approval,)), SETTINGS)
    assert result.passes
    assert result.unused_approvals == ()
    late = run_check(replace(given, approvals=(approval,), today=date(2026, 3, 1)), SETTINGS)
    assert not late.passes
    assert "the approval in a.yaml:2 ended on 2026-02-01" in late.step_findings[0].notes


def test_the_step_can_be_skipped() -> None:
    given = compared(version("base", s=OLD), version("new", s=OLD.replace('a: Int @tag(name: "public")', "a: Int")))
    off = SETTINGS.model_copy(update={"steps": SETTINGS.steps.model_copy(update={"contracts": False})})
    assert run_check(given, off).step_findings == ()


@pytest.mark.parametrize("plain_is_base", [True, False])
def test_a_plain_schema_has_no_contracts(plain_is_base: bool) -> None:  # noqa: FBT001 - both sides
    plain = SchemaVersion("plain", build_schema("type Query { a: Int }"), (), {})
    composed = version("composed", s=OLD)
    given = compared(plain, composed) if plain_is_base else compared(composed, plain)
    found = run_check(given, SETTINGS).step_findings
    assert [(each.code, each.level) for each in found] == [("NO_SUPERGRAPH", Level.WARNING)]
