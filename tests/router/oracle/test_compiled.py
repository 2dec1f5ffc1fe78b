"""Compiled plans and the interpreter have the same results, for generated federations and faults in their responses.

Covers `router/executor/compiled`: `router/executor/compiled/client_shape.py`,
`router/executor/compiled/fetch_shapes.py`, `router/executor/compiled/representation_shapes.py`,
`router/executor/compiled/response_shape.py`, `router/executor/compiled/request_graph.py`,
`router/executor/compiled/generate_classes.py`, `router/executor/compiled/generate_response_classes.py`,
`router/executor/compiled/generate_collect_functions.py`, `router/executor/compiled/generate_place_functions.py`,
`router/executor/compiled/generate_client_response_function.py`, `router/executor/compiled/generate_merge_functions.py`,
`router/executor/compiled/generate_assignments.py`, `router/executor/compiled/generate_representations.py`,
`router/executor/compiled/generate_object_loops.py`,
`router/executor/compiled/source_lines.py`, `router/executor/compiled/generate_value_checks.py`,
`router/executor/compiled/globals_of_generated_code.py` and
`router/executor/compiled/compiled_requests.py`. `make fuzz-compiled` compares many more.
"""

from __future__ import annotations

import pytest

from tests.router.oracle.compiled_comparison import CompiledTally
from tests.router.oracle.compiled_run import check_seed


@pytest.mark.timeout(0)
@pytest.mark.parametrize("first", [0, 6])
def test_results_are_those_of_the_interpreter(first: int) -> None:
    tally = CompiledTally()
    for seed in range(first, first + 6):
        check_seed(seed, tally)
    assert tally.executions > 100
    assert tally.error_free[True], "compiled plans are used"


@pytest.mark.timeout(0)
@pytest.mark.parametrize("number", [200_000_000_351, 420_000_000_261, 530_000_000_077])
def test_federations_in_which_a_difference_was_found(number: int) -> None:
    """Each federation shows another fault that compiled plans had.

    351: a batch has a fetch for objects that another fetch brings. 261: one of two fetches returns no object. 77: a key
    is a list on one of the types of an object only.
    """
    tally = CompiledTally()
    check_seed(number, tally)
    assert tally.error_free[True], "compiled plans are used"
