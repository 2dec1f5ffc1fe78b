"""`@skip` and `@include` as sets of guards (planning §3.9).

A guard is a variable and the value that it must have. A set of guards holds when all of them do. It is absolute: it has
every guard between the operation's root and the selection.
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
    """The guards below a selection with these directives, None if they can never hold."""
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
    """The directive that states a guard."""
    variable, truth = guard
    return f"@{_DIRECTIVES[truth]}(if:${variable})"


def weakest(alternatives: Iterable[Guards]) -> list[Guards]:
    """The alternatives without those that imply another one: `{a, b}` is redundant beside `{a}`."""
    distinct = dict.fromkeys(alternatives)
    if ALWAYS in distinct:
        return [ALWAYS]
    if len({len(guards) for guards in distinct}) == 1:
        return list(distinct)
    return [guards for guards in distinct if next(weaker(guards, distinct), None) is None]


def weaker(guards: Guards, among: Mapping[Guards, object]) -> Iterator[Guards]:
    """The sets that hold whenever `guards` do, and in other cases too."""
    if 2 ** len(guards) < len(among):
        subsets = (frozenset(some) for size in range(len(guards)) for some in combinations(guards, size))
        return (subset for subset in subsets if subset in among)
    return (other for other in among if other < guards)
