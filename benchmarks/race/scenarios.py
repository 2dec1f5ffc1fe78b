"""What is measured: a federation, the requests of clients, and how they arrive."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from benchmarks.race.large_federations import chain, fan_out
from benchmarks.race.shop_federation import shop

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from benchmarks.race.federation import Federation


class Sharing(StrEnum):
    """What requests of different clients may share while they run."""

    NOTHING = "nothing"
    FETCHES = "fetches"
    OPERATIONS = "operations"


class Kind(StrEnum):
    """How requests arrive, and what is measured."""

    CLOSED_LOOP = "closed loop"
    ADDED_LATENCY = "added latency"
    PACED = "paced"
    COLD_START = "cold start"
    SOAK = "soak"


@dataclass(frozen=True, slots=True)
class Operation:
    """A request of a client."""

    query: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""
    """The name in `make ratchet`."""

    def body(self) -> bytes:
        content: dict[str, Any] = {"query": self.query}
        if self.variables:
            content["variables"] = self.variables
        return json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()


@dataclass(frozen=True, slots=True)
class Scenario:
    """One row of the result. `delay_ms` delays each answer of a subgraph; `hops` of them follow each other."""

    name: str
    title: str
    federation: Callable[[], Federation]
    operations: tuple[Operation, ...]
    kind: Kind = Kind.CLOSED_LOOP
    sharing: Sharing = Sharing.NOTHING
    connections: int = 50
    delay_ms: int = 0
    hops: int = 0
    workers: int = 1
    routers: tuple[str, ...] = ()
    """The routers that take part; empty: all routers with default policies."""
    size: int = 0
    """The number of items, for scenarios that differ only in it."""


PRODUCT: Final = """fragment ProductParts on Product {
  upc name price weight inStock quantity shippingEstimate
  reviews { id rating body author { id name username } }
}"""
BIG: Final = f"""query Big($users: Int!, $products: Int!) {{
  users(first: $users) {{
    id name username email
    reviews {{ id rating body product {{ ...ProductParts }} }}
  }}
  topProducts(first: $products) {{ ...ProductParts }}
}}
{PRODUCT}"""
TINY: Final = """query Tiny {
  topProducts(first: 17) { upc name price weight category description inStock quantity }
}"""
LIST: Final = """query List($first: Int!) {
  products(first: $first) { upc name price inStock shippingEstimate }
}"""
MUTATION: Final = """mutation Add($input: NewReview!) {
  addReview(input: $input) { id body rating author { id name } product { upc name inStock } }
}"""
AUDITS: Final = "query Audit($upc: String!) { product(upc: $upc) { upc name inStock lastAudit { by quantity } } }"

_BIG: Final = Operation(BIG, {"users": 20, "products": 5})
_TINY: Final = Operation(TINY)
_POLICIES: Final = ("ours", "ours-policies")
_LIST_SIZES: Final = (1, 10, 100, 1_000, 2_000, 10_000)
_BIG_FACTORS: Final = (1, 4, 16, 64)


def distinct(count: int) -> tuple[Operation, ...]:
    """Operations that a router has to parse and plan one by one."""
    return tuple(
        Operation(TINY.replace("Tiny", f"Tiny{number}").replace("name price", f"name{number}: name price"))
        for number in range(count)
    )


def _nested(factor: int) -> Operation:
    """The big operation for `factor` users of 64 that are as many as the shop has, nearly."""
    return Operation(BIG, {"users": factor, "products": factor})


def _fan_out_query(subgraphs: int) -> Operation:
    parts = " ".join(f"part{number}" for number in range(1, subgraphs))
    return Operation(f"query Parts {{ items(first: 3) {{ id name {parts} }} }}")


def _variables() -> Operation:
    names = [f"{number:05} a name that is as long as names are" for number in range(2_200)]
    query = "query Named($names: [String!]!) { productsNamed(names: $names) }"
    return Operation(query, {"names": names})


def _review() -> Operation:
    content = {"upc": "p12", "author": "u3", "rating": 4, "body": "Better than the one before."}
    return Operation(MUTATION, {"input": content})


def _shop_scenarios() -> list[Scenario]:
    audits = tuple(Operation(AUDITS, {"upc": f"p{number}"}) for number in range(10))
    return [
        Scenario("big", "big: about 90 KB, entities three fetches deep", shop, (_BIG,)),
        Scenario("tiny", "tiny: 2.8 KB, two fetches", shop, (_TINY,)),
        Scenario("distinct", "1,000 distinct tiny operations in turn", shop, distinct(1_000)),
        Scenario("errors", "every tenth request has an error of a subgraph", shop, audits),
        Scenario("mutation", "a mutation with three fetches", shop, (_review(),)),
        Scenario("variables", "100 KB of variables", shop, (_variables(),)),
        Scenario(
            "100-subgraphs",
            "a list with a field of each of 100 subgraphs",
            partial(fan_out, 100),
            (_fan_out_query(100),),
        ),
        Scenario("big-2-workers", "big, two workers of this router", shop, (_BIG,), workers=2, routers=("ours",)),
        Scenario("big-policies", "big, with header rules, JWT and limits", shop, (_BIG,), routers=_POLICIES),
        Scenario("tiny-policies", "tiny, with header rules, JWT and limits", shop, (_TINY,), routers=_POLICIES),
        Scenario("big-fetches", "big, fetches shared", shop, (_BIG,), sharing=Sharing.FETCHES),
        Scenario("tiny-fetches", "tiny, fetches shared", shop, (_TINY,), sharing=Sharing.FETCHES),
        Scenario("big-operations", "big, whole operations shared", shop, (_BIG,), sharing=Sharing.OPERATIONS),
        Scenario("tiny-operations", "tiny, whole operations shared", shop, (_TINY,), sharing=Sharing.OPERATIONS),
        *(
            Scenario(
                f"list-{size}", f"a list of {size:,} products", shop, (Operation(LIST, {"first": size}),), size=size
            )
            for size in _LIST_SIZES
        ),
        *(
            Scenario(f"nested-{factor}", f"big for {factor} users", shop, (_nested(factor),), size=factor)
            for factor in _BIG_FACTORS
        ),
    ]


def _timed_scenarios() -> list[Scenario]:
    slow = partial(Scenario, kind=Kind.ADDED_LATENCY, delay_ms=20)
    cold = partial(Scenario, kind=Kind.COLD_START)
    first = (Operation('{ s0e0(id: "1") { id name } }'),)
    return [
        slow("slow-1", "subgraphs that take 20 ms, 1 connection", shop, (_TINY,), connections=1, hops=2),
        slow("slow-50", "subgraphs that take 20 ms, 50 connections", shop, (_TINY,), connections=50, hops=2),
        Scenario("paced", "big, paced arrivals at 70 % of the capacity", shop, (_BIG,), kind=Kind.PACED),
        cold("cold-shop", "start to first answer, the shop", shop, (_TINY,)),
        cold("cold-200x20", "start to first answer, 200 subgraphs of 20 types", partial(chain, 200, 20), first),
        cold("cold-100x100", "start to first answer, 100 subgraphs of 100 types", partial(chain, 100, 100), first),
        Scenario("soak", "ten minutes of big: memory", shop, (_BIG,), kind=Kind.SOAK),
    ]


def scenarios() -> list[Scenario]:
    return [*_shop_scenarios(), *_timed_scenarios()]


def ratchet_scenario() -> Scenario:
    """The requests whose instructions `make ratchet` counts."""
    listed = Operation(LIST, {"first": 100})
    named = {"tiny": _TINY, "big": _BIG, "list-100": listed, "mutation": _review()}
    operations = tuple(replace(each, name=name) for name, each in named.items())
    return Scenario("ratchet", "fixed requests", shop, operations)
