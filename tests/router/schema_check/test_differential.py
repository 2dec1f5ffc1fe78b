"""A sample of generated pairs of schemas; `python -m tests.router.schema_check.differential` runs more.

Covers `router/schema_check/input_and_output_types.py`, `router/schema_check/diff/comparison.py`,
`router/schema_check/diff/compatible_type_changes.py`.
"""

from __future__ import annotations

import pytest

from router.schema_check.diff.compare_schemas import compare_schemas
from tests.router.schema_check.differential import missed
from tests.router.schema_check.generate_schemas import generate_pair


@pytest.mark.parametrize("first", range(0, 150, 25))
def test_an_operation_becomes_invalid_only_by_a_change_that_affects_it(first: int) -> None:
    for seed in range(first, first + 25):
        pair = generate_pair(seed)
        assert list(missed(pair, compare_schemas(pair.old, pair.new))) == [], f"seed {seed}"
