"""Definitions are called surely valid only if graphql-core finds no problem in them.

Covers `router/composition/reading/surely_valid/definitions.py`,
`router/composition/reading/surely_valid/default_values.py`, `router/composition/reading/surely_valid/directives.py`,
`router/composition/reading/surely_valid/interfaces.py` and `router/composition/reading/surely_valid/not_sure.py`.
"""

from __future__ import annotations

import random
import re

import pytest

from router.composition.reading.check_and_add_spec_definitions import complete_definitions
from router.composition.reading.check_graphql_rules import base_of_surely_valid, check_graphql
from router.composition.reading.subgraph_document import read_document
from router.composition.report import Report
from router.federation.link_directives import LinkError, read_links
from tests.router.composition.generation.subgraph_sets import subgraph_set
from tests.router.composition.schemas import LINK, codes
from tests.router.oracle.choices import SeededChoices

SEED = 30_561

VALID = (
    """
    type Query { a(id: ID! = 1, b: In = null, c: E! = ON, d: [[Int!]] = [1, [2], null]): A }
    type A @key(fields: "f") { f: ID! @tag(name: "a") @tag(name: "b") @deprecated(reason: "old") }
    enum E @tag(name: "e") { ON @deprecated OFF }
    input In { a: In b: Other! c: [In!]! d: String = "x" }
    scalar Other @specifiedBy(url: "u")
    """,
    """
    interface N { id: ID! }
    interface I implements N { id: ID! f(a: Int): [A!]! }
    type A implements N & I @shareable { id: ID! f(a: Int): [A!]! }
    extend type A { g: Int }
    union U = A | B
    type B { f: Float }
    extend union U @tag(name: "u") = C
    type C { f: Boolean s: federation__FieldSet }
    """,
    """
    enum E { A }
    extend enum E { B }
    input I { e: E = B, f: Float = 1, g: Float = 1.5, h: ID = "a" }
    extend input I { i: Boolean = true @deprecated }
    """,
)
WRONG = (
    "type A { f: Missing }",
    "type A",
    "enum E",
    "input I",
    "union U",
    "type A { f: Int f: Int }",
    "type A { f: Int } extend type A { f: Int }",
    "type A { __f: Int }",
    "type __A { f: Int }",
    "type A { f(__a: Int): Int }",
    "enum E { __A }",
    "enum E { A } extend type E { f: Int }",
    "scalar S extend scalar S",
    "type A { f: I } input I { a: Int }",
    "type A { f(a: A): Int }",
    "input I { a: A } type A { f: Int }",
    "input I { __a: Int }",
    "input I { a: Int a: Int }",
    "input I { a: J! } input J { a: I! }",
    "input I { a: Int = 3000000000 }",
    'input I { a: Int = "1" }',
    "input I { a: Int! = null }",
    "input I { a: [Int!] = [null] }",
    "input I { a: E = B } enum E { A }",
    "input I { a: String = A }",
    "input I { a: Int! @deprecated }",
    "type A { f(a: Int! @deprecated): Int }",
    "type A { f: Int @unknown }",
    'type A { f: Int @key(fields: "a") }',
    "type A @key { f: Int }",
    'type A @key(fields: "f", other: 1) { f: Int }',
    "type A { f: Int @deprecated(reason: 1) }",
    "type A { f: Int @inaccessible @inaccessible }",
    "type A @inaccessible { f: Int } extend type A @inaccessible { g: Int }",
    "union U = A | A type A { f: Int }",
    "union U = E enum E { A }",
    "union U = A extend union U = A type A { f: Int }",
    "type A implements B { f: Int }",
    "type A implements I & I { f: Int } interface I { f: Int }",
    "type A implements I { g: Int } interface I { f: Int }",
    "type A implements I { f: String } interface I { f: Int }",
    "type A implements I { f: [Int] } interface I { f: Int }",
    "type A implements I { f: Int } interface I { f(a: Int): Int }",
    "type A implements I { f(a: Int, b: Int!): Int } interface I { f(a: Int): Int }",
    "type A implements I { f: Int } interface I implements J { f: Int } interface J { f: Int }",
    "interface I implements I { f: Int }",
    "type A implements B { f: Int } type B { f: Int }",
    "extend schema { query: E } enum E { A }",
)
UNDECIDED = (
    "interface Query { f: Int }",
    "directive @d on OBJECT type A @d { f: Int }",
    "schema { query: A } type A { f: Int }",
    "extend type A { g: Int } type A { f: Int }",
    "input I { a: J = {b: 1} } input J { b: Int }",
    "scalar S input I { s: S = 1 }",
    "type A implements I { f: Int! } interface I { f: Int }",
    "type ID { f: Int }",
    "type A { f: Int } type federation__FieldSet { f: Int }",
)


def judge(sdl: str) -> tuple[bool, list[str]]:
    """Return whether the SDL is surely valid, and what graphql-core reports."""
    report = Report()
    document = read_document("a", sdl, report)
    if document is None:
        return False, codes(report)
    try:
        links = read_links(document.schema_directives)
    except LinkError as error:
        return False, [error.code]
    own, added = complete_definitions("a", document, links, Report())
    check_graphql("a", own, added, links, report)
    return base_of_surely_valid(own, added) is not None, codes(report)


@pytest.mark.parametrize("sdl", VALID)
def test_usual_definitions_are_surely_valid(sdl: str) -> None:
    assert judge(LINK + sdl) == (True, [])


@pytest.mark.parametrize("sdl", WRONG)
def test_wrong_definitions_are_not_surely_valid(sdl: str) -> None:
    sure, problems = judge(LINK + sdl)
    assert not sure
    assert problems != []


@pytest.mark.parametrize("sdl", UNDECIDED)
def test_definitions_with_further_rules_are_left_to_graphql_core(sdl: str) -> None:
    assert not judge(LINK + sdl)[0]


def test_graphql_core_finds_no_problem_in_surely_valid_definitions_with_a_random_change() -> None:
    chance = random.Random(SEED)
    sure = 0
    for _ in range(600):
        words = re.findall(r"\s+|\w+|.", chance.choice(VALID))
        for _ in range(chance.randint(1, 2)):
            words[chance.randrange(len(words))] = chance.choice(words)
        is_sure, problems = judge(LINK + "".join(words))
        sure += is_sure
        assert not (is_sure and problems), "".join(words)
    assert sure > 50


def test_graphql_core_finds_no_problem_in_surely_valid_generated_subgraphs() -> None:
    texts = [each.sdl for seed in range(60) for each in subgraph_set(SeededChoices(SEED + seed))]
    judged = [judge(text) for text in texts]
    assert [problems for sure, problems in judged if sure and problems] == []
    assert sum(sure for sure, _ in judged) > 20
