"""The oracle draws everything it is to prove something about, often enough to be met in any run."""

from __future__ import annotations

from collections import Counter

from graphql import build_schema

from tests.router.oracle.choices import Seeded
from tests.router.oracle.comparison import DEFER
from tests.router.oracle.federations import federation
from tests.router.oracle.operations import operation
from tests.router.oracle.trial import OPERATIONS
from tests.router.oracle.vocabulary import ITEMS, items_of

FEDERATIONS = 200
# One in a hundred federations: a run of 20,000 triples meets each item some twenty times.
LEAST = FEDERATIONS // 100


def test_each_item_of_the_vocabulary_is_drawn() -> None:
    met: Counter[str] = Counter()
    for seed in range(FEDERATIONS):
        choices = Seeded(seed)
        generated = federation(choices)
        merged = build_schema(generated.merged + DEFER)
        drawn = [operation(choices, merged) for _ in range(OPERATIONS)]
        met.update(items_of(generated, [one for one in drawn if one is not None]))
    assert {item: met[item] for item in ITEMS if met[item] < LEAST} == {}
