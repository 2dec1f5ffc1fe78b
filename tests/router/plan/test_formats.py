"""The JSON format and the text format of plans.

Covers `router/plan/plan_to_json.py`, `router/plan/plan_to_text.py`, `router/plan/selections_to_syntax_nodes.py`,
`router/plan/query_plan.py` and `router/plan/nodes.py`.
"""

from __future__ import annotations

from dataclasses import replace

from router.plan import (
    BatchFetch,
    BatchPart,
    Condition,
    Each,
    Fetch,
    Flatten,
    InputField,
    InputFragment,
    Key,
    KeyRenamer,
    Parallel,
    Parent,
    QueryPlan,
    Sequence,
    Subscription,
    TypeIs,
    ValueSetter,
)
from tests.router.plan.fetches import fetch

ROOT = fetch(
    0, "a", "query Q__a__0($n:Int){hotels(first:$n){__typename id}}", operation_name="Q__a__0", variable_usages=("n",)
)
ENTITIES = fetch(
    1,
    "b",
    "query Q__b__1($representations:[_Any!]!){_entities(representations:$representations){...on Hotel{rating}}}",
    operation_name="Q__b__1",
    requires=(InputFragment("Hotel", (InputField("__typename"), InputField("at", (InputField("city"),)))),),
    depends_on=(0,),
    input_rewrites=(ValueSetter((TypeIs(("Hotel",)), Key("__typename")), "Place"),),
    output_rewrites=(KeyRenamer((Key("rating__alias_0"),), "rating"),),
    context_rewrites=(KeyRenamer((Parent(), TypeIs(("City",)), Key("currency")), "currency"),),
)
PLAN = QueryPlan(Sequence((ROOT, Flatten((Key("hotels"), Each(), TypeIs(("Hotel", "Inn"))), ENTITIES))))


GUARDED = Condition("rated", if_clause=Flatten((Key("best"),), replace(ENTITIES, id=2, variable_usages=("n",))))
BATCH = QueryPlan(
    BatchFetch(
        "b",
        (
            BatchPart("_e0", "r_0", "{...on Hotel{rating}}", Flatten((Key("hotels"), Each()), ENTITIES)),
            BatchPart("_e1", "r_1", "{...on Hotel{stars(of:$n)}}", GUARDED),
        ),
        (("m", "$m:Int"), ("n", "$n:Int")),
        "Q__b__1",
    )
)


def test_a_batch_is_one_request_of_several_fetches() -> None:
    assert [fetch.id for fetch in BATCH.fetches()] == [1, 2]
    assert list(BATCH.requests()) == [BATCH.node]
    assert list(PLAN.requests()) == list(PLAN.fetches())


def test_json_of_a_batch_has_the_whole_request_and_its_parts() -> None:
    node = BATCH.to_json()["node"]
    assert isinstance(node, dict)
    parts = node.pop("parts")
    assert node == {
        "kind": "BatchFetch",
        "serviceName": "b",
        "variableUsages": ["n"],
        "operation": (
            "query Q__b__1($r_0:[_Any!]!,$r_1:[_Any!]!,$n:Int)"
            "{_e0:_entities(representations:$r_0){...on Hotel{rating}}"
            "_e1:_entities(representations:$r_1){...on Hotel{stars(of:$n)}}}"
        ),
        "operationName": "Q__b__1",
        "operationKind": "query",
    }
    assert isinstance(parts, list)
    assert parts == [
        {"alias": alias, "representations": variable, "node": QueryPlan(alone).to_json()["node"]}
        for alias, variable, alone in (
            ("_e0", "r_0", Flatten((Key("hotels"), Each()), ENTITIES)),
            ("_e1", "r_1", GUARDED),
        )
    ]


def test_text_of_a_batch_names_its_parts() -> None:
    lines = [line.strip() for line in BATCH.to_text().splitlines() if line.endswith("{")]
    assert [line for line in lines if line[0] != "."] == [
        "QueryPlan {",
        'BatchFetch(service: "b") {',
        '_e0: Flatten(path: "hotels.@") {',
        'Fetch(service: "b") {',
        "{",
        "at {",
        "{",
        "_e1: Include(if: $rated) {",
        'Flatten(path: "best") {',
        'Fetch(service: "b") {',
        "{",
        "at {",
        "{",
    ]


def test_json_has_the_fields_of_the_plan_format() -> None:
    assert PLAN.to_json() == {
        "kind": "QueryPlan",
        "node": {
            "kind": "Sequence",
            "nodes": [
                {
                    "kind": "Fetch",
                    "serviceName": "a",
                    "variableUsages": ["n"],
                    "operation": ROOT.operation,
                    "operationName": "Q__a__0",
                    "operationKind": "query",
                },
                {
                    "kind": "Flatten",
                    "path": ["hotels", "@|[Hotel,Inn]"],
                    "node": {
                        "kind": "Fetch",
                        "serviceName": "b",
                        "requires": [
                            {
                                "kind": "InlineFragment",
                                "typeCondition": "Hotel",
                                "selections": [
                                    {"kind": "Field", "name": "__typename"},
                                    {"kind": "Field", "name": "at", "selections": [{"kind": "Field", "name": "city"}]},
                                ],
                            }
                        ],
                        "variableUsages": [],
                        "operation": ENTITIES.operation,
                        "operationName": "Q__b__1",
                        "operationKind": "query",
                        "inputRewrites": [
                            {"kind": "ValueSetter", "path": ["... on Hotel", "__typename"], "setValueTo": "Place"}
                        ],
                        "outputRewrites": [
                            {"kind": "KeyRenamer", "path": ["rating__alias_0"], "renameKeyTo": "rating"}
                        ],
                        "contextRewrites": [
                            {
                                "kind": "KeyRenamer",
                                "path": ["..", "... on City", "currency"],
                                "renameKeyTo": "currency",
                            }
                        ],
                    },
                },
            ],
        },
    }


def test_text_is_written_from_the_selections_as_data() -> None:
    """The text of an operation is not parsed again: `to_text` works without it."""
    assert QueryPlan(replace(ROOT, operation="")).to_text() == QueryPlan(ROOT).to_text()


def test_text_shows_representations_before_selections() -> None:
    assert (
        PLAN.to_text()
        == """\
QueryPlan {
  Sequence {
    Fetch(service: "a") {
      {
        hotels(first: $n) {
          __typename
          id
        }
      }
    },
    Flatten(path: "hotels.@|[Hotel,Inn]") {
      Fetch(service: "b") {
        {
          ... on Hotel {
            __typename
            at {
              city
            }
          }
        } =>
        {
          ... on Hotel {
            rating
          }
        }
      },
    },
  },
}"""
    )


def test_conditions_print_as_include_and_skip() -> None:
    fetch = Fetch(0, "a", "{x}", "query")
    included = QueryPlan(Condition("v", if_clause=fetch))
    skipped = QueryPlan(Condition("v", else_clause=fetch))
    both = QueryPlan(Condition("v", if_clause=fetch, else_clause=fetch))
    assert "Include(if: $v) {" in included.to_text()
    assert "Skip(if: $v) {" in skipped.to_text()
    assert "Condition(if: $v) {" in both.to_text()
    node = skipped.to_json()["node"]
    assert isinstance(node, dict)
    assert (node["condition"], "ifClause" in node, "elseClause" in node) == ("v", False, True)


def test_a_subscription_shows_what_opens_it_and_what_follows_an_event() -> None:
    plan = QueryPlan(Subscription(Fetch(0, "a", "subscription{x{id}}", "subscription"), ENTITIES))
    text = plan.to_text()
    assert text.index("Primary:") < text.index("Rest:")
    node = plan.to_json()["node"]
    assert isinstance(node, dict)
    assert node["kind"] == "Subscription"


def test_fetches_come_in_order_of_appearance() -> None:
    plan = QueryPlan(Parallel((PLAN.node or ROOT, Condition("v", if_clause=Fetch(2, "c", "{y}", "query")))))
    assert [fetch.id for fetch in plan.fetches()] == [0, 1, 2]


def test_nothing_to_fetch_prints_as_an_empty_plan() -> None:
    assert QueryPlan(None).to_text() == "QueryPlan {}"
