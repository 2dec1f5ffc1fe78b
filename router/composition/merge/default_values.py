"""Default values: kept if all sources have the same, dropped with a hint if only some have one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql.language import print_ast

from router.composition.constant_values import identity

if TYPE_CHECKING:
    from router.composition.error_codes import ErrorCode
    from router.composition.merge.merge_state import MergeState, Sources
    from router.composition.model import InputValue


def merge_default(
    state: MergeState, sources: Sources[InputValue], dest: InputValue, where: str, code: ErrorCode
) -> None:
    """Set `dest.default`.

    `code` is the error for conflicting defaults, FIELD_ARGUMENT_DEFAULT_MISMATCH or INPUT_FIELD_DEFAULT_MISMATCH;
    the hint is INCONSISTENT_DEFAULT_VALUE_PRESENCE.
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
            "the supergraph has none.",
            state.places(sources),
        )
    else:
        dest.default = given[0][1]
