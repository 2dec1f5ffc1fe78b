"""The generators generate every construct, often enough for each run to test it."""

from __future__ import annotations

from collections import Counter

from graphql import build_schema

from tests.router.oracle.choices import SeededChoices
from tests.router.oracle.comparison import DEFER
from tests.router.oracle.construct_coverage import CONSTRUCTS, constructs_in
from tests.router.oracle.federation_generator import generate_federation
from tests.router.oracle.operation_generator import generate_operation
from tests.router.oracle.trial import OPERATIONS

FEDERATIONS = 200
# One in a hundred federations: a run of 20,000 triples has each construct some twenty times.
MIN_FEDERATIONS = FEDERATIONS // 100


def test_each_construct_is_generated() -> None:
    counts: Counter[str] = Counter()
    for seed in range(FEDERATIONS):
        choices = SeededChoices(seed)
        generated = generate_federation(choices)
        merged = build_schema(generated.merged + DEFER)
        operation = [generate_operation(choices, merged) for _ in range(OPERATIONS)]
        counts.update(constructs_in(generated, [one for one in operation if one is not None]))
    assert {construct: counts[construct] for construct in CONSTRUCTS if counts[construct] < MIN_FEDERATIONS} == {}
