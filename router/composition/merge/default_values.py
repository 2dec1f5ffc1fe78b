"""Merge default values (composition §5.1).

The merged argument or input field has a default value only if all subgraphs that declare the argument or input field
give it the same default value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql.language import print_ast

from router.composition.const_value_nodes import identity

if TYPE_CHECKING:
    from router.composition.error_codes import ErrorCode
    from router.composition.merge.merge_state import MergeState, Sources
    from router.composition.model import InputValue


def merge_default(
    state: MergeState, sources: Sources[InputValue], dest: InputValue, where: str, code: ErrorCode
) -> None:
    """Set `dest.default` if all sources have the same default value (composition §5.1).

    Reports the error `code` if sources have different default values. Reports the hint
    INCONSISTENT_DEFAULT_VALUE_PRESENCE if only some sources have a default value.

    Args:
        state: The state of the merge.
        sources: The argument or input field in each subgraph.
        dest: The merged argument or input field.
        where: The coordinate of `dest`, for error messages and hints.
        code: The error code to report if default values differ.
    """
    defaults = [(index, source.default) for index, source in sources.items()]
    given = [(index, value) for index, value in defaults if value is not None]
    if not given:
        return
    if len({identity(value) for _, value in given}) > 1:
        values = ", ".join(f"{print_ast(value)} in {state.names([index])}" for index, value in given)
        state.report.error(code, f"{where} has different default values: {values}.", state.places(sources))
    elif len(given) < len(defaults):
        without = state.names(index for index, value in defaults if value is None)
        state.report.hint(
            "INCONSISTENT_DEFAULT_VALUE_PRESENCE",
            f"{where} has a default value in {state.names(index for index, _ in given)} but not in {without}; "
            "the supergraph has no default value.",
            state.places(sources),
        )
    else:
        dest.default = given[0][1]
