"""Read `@skip` and `@include` as sets of guards, and compare these sets (planning §3.9).

A guard is a variable and its required value: `@skip(if: $x)` is `("x", False)`. A guard is *true* if the variable has
this value. The guards of a selection include the guards of all selections around it. The selection is included if all
its guards are true.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, TypeAlias

from graphql import BooleanValueNode, VariableNode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from graphql import DirectiveNode

Guard: TypeAlias = tuple[str, bool]
Guards: TypeAlias = frozenset[Guard]

ALWAYS: Guards = frozenset()
_TRUTH = {"include": True, "skip": False}
_DIRECTIVES = {truth: name for name, truth in _TRUTH.items()}


def narrowed(guards: Guards, directives: Iterable[DirectiveNode] | None) -> Guards | None:
    """Return the guards of a selection with these directives. Return None if the selection is never included.

    The argument `guards` has the guards of the selections around the selection.
    """
    if not directives:
        return guards
    added = set(guards)
    for directive in directives:
        truth = _TRUTH.get(directive.name.value)
        if truth is None:
            continue
        for argument in directive.arguments or ():
            match argument.value:
                case BooleanValueNode(value=value):
                    if value != truth:
                        return None
                case VariableNode(name=name):
                    if (name.value, not truth) in added:
                        return None
                    added.add((name.value, truth))
    return frozenset(added)


def directive_text(guard: Guard) -> str:
    """Return the guard as a directive, such as `@include(if:$x)`."""
    variable, truth = guard
    return f"@{_DIRECTIVES[truth]}(if:${variable})"


def weakest(alternatives: Iterable[Guards]) -> list[Guards]:
    """Drop each set of guards that contains another set of guards.

    Given `{a}` and `{a, b}`, only `{a}` is returned: whenever `{a, b}` is true, `{a}` is true too.
    """
    distinct = dict.fromkeys(alternatives)
    if ALWAYS in distinct:
        return [ALWAYS]
    if len({len(guards) for guards in distinct}) == 1:
        return list(distinct)
    return [guards for guards in distinct if next(weaker(guards, distinct), None) is None]


def weaker(guards: Guards, among: Mapping[Guards, object]) -> Iterator[Guards]:
    """Yield the sets in `among` that are weaker than `guards`: proper subsets of `guards`."""
    if 2 ** len(guards) < len(among):
        subsets = (frozenset(some) for size in range(len(guards)) for some in combinations(guards, size))
        return (subset for subset in subsets if subset in among)
    return (other for other in among if other < guards)
