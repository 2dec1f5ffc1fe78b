"""`@defer`: the initial response, the deferred parts, and the fetches that they wait for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from router.plan import BatchFetch, Condition, Defer, Fetch, Flatten, Parallel, Sequence, iter_fetches
from router.planner import PlanOptions, plan
from tests.router.planner.federation import composed
from tests.router.planner.plan_checker import problems

if TYPE_CHECKING:
    from router.plan import DeferredPart, PlanNode, QueryPlan

SUPERGRAPH = composed(
    users="""
      type Query { me: User users: [User!]! any: Named }
      type Mutation { rename: User again: User }
      interface Named { name: String }
      type User implements Named @key(fields: "id") { id: ID! name: String best: User settings: Settings }
      type Settings { dark: Boolean owner: User }
      type Robot implements Named @key(fields: "id") { id: ID! name: String }
    """,
    reviews="""
      type Query { latest: Int }
      type User @key(fields: "id") { id: ID! stars: Int likes: Int favourite: User }
    """,
    prices="""
      type User @key(fields: "id") { id: ID! stars: Int @external worth: Int @requires(fields: "stars") }
    """,
)


def deferring(query: str) -> QueryPlan:
    planned = plan(SUPERGRAPH, query, options=PlanOptions(batch_entity_fetches=False))
    assert problems(SUPERGRAPH, query, planned) == []
    return planned


def split(query: str) -> tuple[list[str], list[DeferredPart]]:
    """The operations that come first, and the deferred parts."""
    node = deferring(query).node
    assert isinstance(node, Defer)
    return asked(node.primary.node), list(node.deferred)


def asked(node: PlanNode | None) -> list[str]:
    """What is fetched where, entities by the path they are at."""
    found: list[str] = []
    match node:
        case Fetch():
            found.append(f"{node.service_name} {node.operation}")
        case Flatten(path=path, node=fetch):
            keys = ".".join(getattr(step, "name", "@") for step in path)
            selections = fetch.operation.partition("$representations)")[2].removesuffix("}")
            found.append(f"{fetch.service_name} {keys} {selections}")
        case Sequence(nodes=nodes) | Parallel(nodes=nodes):
            for child in nodes:
                found += asked(child)
        case Defer(primary=primary, deferred=deferred):
            found += asked(primary.node)
            for part in deferred:
                found += asked(part.node)
    return found


def test_what_another_subgraph_has_is_fetched_for_the_deferred_part_alone() -> None:
    first, (part,) = split('{ me { name likes ... @defer(label: "more") { stars } } }')
    assert first == ["users {me{name id __typename}}", "reviews me {...on User{likes}}"]
    assert asked(part.node) == ["reviews me {...on User{stars}}"]
    assert (part.label, part.query_path, part.subselection) == ("more", ("me",), "{stars}")
    assert [dependency.fetch_id for dependency in part.depends] == [0]


def test_an_entity_is_entered_anew_for_what_its_own_subgraph_has() -> None:
    first, (part,) = split("{ me { name ... on User @defer { best { name } } } }")
    assert first == ["users {me{name id __typename}}"]
    assert asked(part.node) == ["users me {...on User{best{name}}}"]


def test_what_no_key_leads_to_comes_with_the_first_part() -> None:
    first, (part,) = split("{ me { settings { ... @defer { dark owner { stars } } } } }")
    assert first == ["users {me{settings{__typename dark owner{id __typename}}}}"]
    assert asked(part.node) == ["reviews me.settings.owner {...on User{stars}}"]
    assert part.query_path == ("me", "settings")


def test_root_fields_are_fetched_on_their_own_and_wait_for_nothing() -> None:
    first, (part,) = split("{ me { name } ... @defer { latest users { likes } } }")
    assert first == ["users {me{name}}"]
    assert asked(part.node) == [
        "reviews {latest}",
        "users {users{id __typename}}",
        "reviews users.@ {...on User{likes}}",
    ]
    assert part.depends == ()
    assert part.query_path == ()


def test_everything_may_be_deferred() -> None:
    first, (part,) = split("{ ... @defer { me { name } } }")
    assert first == []
    assert asked(part.node) == ["users {me{name}}"]


def test_parts_in_parts_wait_for_what_they_read() -> None:
    query = '{ me { ... @defer(label: "a") { stars worth ... @defer(label: "b") { favourite { name } } } } }'
    _, (outer,) = split(query)
    assert isinstance(outer.node, Defer)
    assert outer.subselection is None
    assert outer.node.primary.subselection == "{stars worth}"
    assert asked(outer.node.primary.node) == [
        "reviews me {...on User{stars __typename}}",
        "prices me {...on User{worth}}",
    ]
    (inner,) = outer.node.deferred
    assert asked(inner.node) == [
        "reviews me {...on User{favourite{id __typename}}}",
        "users me.favourite {...on User{name}}",
    ]
    assert [dependency.fetch_id for dependency in (*outer.depends, *inner.depends)] == [0, 0]


def test_a_part_may_start_from_an_entity_of_another_part() -> None:
    _, (outer,) = split("{ me { ... @defer { favourite { id ... @defer { likes } } } } }")
    assert isinstance(outer.node, Defer)
    (inner,) = outer.node.deferred
    (fetch,) = iter_fetches(outer.node.primary.node)
    assert [dependency.fetch_id for dependency in inner.depends] == [fetch.id]


def test_each_spread_of_a_fragment_is_a_part() -> None:
    query = "{ me { ...More @defer } users { ...More @defer } } fragment More on User { likes }"
    _, parts = split(query)
    assert [part.query_path for part in parts] == [("me",), ("users",)]
    assert [asked(part.node) for part in parts] == [
        ["reviews me {...on User{likes}}"],
        ["reviews users.@ {...on User{likes}}"],
    ]
    assert [part.subselection for part in parts] == ["{...on User{likes}}"] * 2


def test_a_part_on_a_type_of_an_interface() -> None:
    _, (part,) = split("{ any { name ... on User @defer { stars ... on User { likes } } } }")
    assert asked(part.node) == ["reviews any {...on User{stars likes}}"]
    assert part.subselection == "{...on User{stars likes}}"


def test_what_an_interface_without_keys_has_comes_with_the_first_part() -> None:
    first, (part,) = split("{ any { __typename ... @defer { name } } }")
    assert first == ["users {any{__typename name}}"]
    assert part.node is None
    assert part.subselection == "{name}"


def test_what_is_never_deferred_is_planned_as_if_nothing_were() -> None:
    expected = deferring("{ me { name likes } }").to_json()
    assert deferring("{ me { name ... @defer(if: false) { likes } } }").to_json() == expected
    assert (
        plan(SUPERGRAPH, "{ me { name ... @defer { likes } } }", options=PlanOptions(defer=False)).to_json() == expected
    )


def test_a_condition_on_deferring_makes_two_plans() -> None:
    node = deferring("query ($now: Boolean!) { me { name ... @defer(if: $now) { likes } } }").node
    assert isinstance(node, Condition)
    assert node.variable == "now"
    assert isinstance(node.if_clause, Defer)
    assert asked(node.else_clause) == ["users {me{name id __typename}}", "reviews me {...on User{likes}}"]
    assert [fetch.id for fetch in iter_fetches(node)] == [0, 1, 2, 3]


def test_conditions_on_deferring_are_bounded() -> None:
    names = [f"v{number}" for number in range(12)]
    definitions = ", ".join(f"${name}: Boolean!" for name in names)
    parts = " ".join(f"... @defer(if: ${name}) {{ {name}: likes }}" for name in names)
    planned = deferring(f"query ({definitions}) {{ me {{ {parts} }} }}")
    assert any("not deferred" in hint for hint in planned.hints)
    assert len(list(planned.fetches())) <= 8 * 8


def test_an_object_without_selections_belongs_to_the_part_that_has_it() -> None:
    query = """{
      ... @defer(label: "later") { me { best @include(if: false) { id } } }
      me { ... @defer(label: "stars") { stars } }
    }"""
    node = plan(SUPERGRAPH, query).node
    assert isinstance(node, Defer)
    told = {part.label: part.subselection for part in node.deferred}
    assert told == {"later": "{me{__typename}}", "stars": "{stars}"}


def test_guards_of_a_deferred_fragment_stay() -> None:
    query = "query ($on: Boolean!) { me { name ... @include(if: $on) @defer { likes } } }"
    _, (part,) = split(query)
    assert isinstance(part.node, Condition)
    assert part.subselection == "{...@include(if:$on){likes}}"


def test_mutations_do_not_wait_for_what_is_deferred() -> None:
    query = "mutation { rename { name ... @defer { likes } } again { stars } }"
    first, (part,) = split(query)
    assert first[-1] == "reviews again {...on User{stars}}"
    assert all(fetch.startswith("users mutation") for fetch in first[:-1])
    assert asked(part.node) == ["reviews rename {...on User{likes}}"]
    assert part.query_path == ("rename",)


def test_an_event_of_a_subscription_is_whole() -> None:
    supergraph = composed(
        a='type Query { a: Int } type Subscription { on: T } type T @key(fields: "id") { id: ID! }',
        b='type T @key(fields: "id") { id: ID! b: Int }',
    )
    whole = plan(supergraph, "subscription { on { id b } }")
    assert plan(supergraph, "subscription { on { id ... @defer { b } } }").to_json() == whole.to_json()


def test_fetches_of_different_parts_do_not_share_a_request() -> None:
    query = "{ me { likes best { likes } ... @defer { stars best { stars } } } }"
    planned = plan(SUPERGRAPH, query)
    assert problems(SUPERGRAPH, query, planned) == []
    batches = [request for request in planned.requests() if isinstance(request, BatchFetch)]
    assert [len(batch.parts) for batch in batches] == [2]


@pytest.mark.parametrize("depth", [3, 30])
def test_deferring_stays_bounded(depth: int) -> None:
    query = "{ me " + "{ likes ... @defer { best " * depth + "{ name }" + " } }" * depth + " }"
    assert len(list(deferring(query).fetches())) <= 4 * depth


def test_planning_twice_gives_the_same_plan() -> None:
    query = "query Q($c: Boolean!) { me { likes ... @defer(if: $c) { stars ... @defer { worth } } } }"
    assert deferring(query).to_text() == deferring(query).to_text()
