"""Rewrite representations before they are sent, and results before they are merged (execution §3.3, §3.6).

A rewrite is either a `ValueSetter` or a `KeyRenamer`. A `ValueSetter` sets `__typename` to the name of an interface, if
the subgraph has an `@interfaceObject` type. A `KeyRenamer` replaces an internal alias by the key that the client or the
subgraph uses. It also renames the alias in the paths of errors. The path of a rewrite has no list indexes: the rewrite
is applied to all items of a list.
"""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

from router.executor.graphql.type_relations import is_subtype
from router.executor.interpreter.merge import merge
from router.federation.find_type_name_in_reference import TYPENAME
from router.plan import Each, Key, KeyRenamer, Parent, TypeIs, ValueSetter

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from graphql import GraphQLSchema

    from router.errors import PathSegment, ResponsePath
    from router.plan import Path, Rewrite


def apply_rewrites(schema: GraphQLSchema, rewrites: Iterable[Rewrite], value: object) -> None:
    """Apply `rewrites` to `value` in place, in order (execution §3.3)."""
    for rewrite in rewrites:
        _apply(schema, rewrite, rewrite.path, value)


def rewritten(schema: GraphQLSchema, rewrites: Sequence[Rewrite], value: dict[str, object]) -> dict[str, object]:
    """Return `value` with `rewrites` applied (execution §3.6).

    `value` itself is not changed, because several requests can share one response.
    """
    if not rewrites:
        return value
    changed = deepcopy(value)
    apply_rewrites(schema, rewrites, changed)
    return changed


def _apply(schema: GraphQLSchema, rewrite: Rewrite, path: Path, value: object) -> None:
    if isinstance(value, list):
        for item in value:
            _apply(schema, rewrite, path, item)
        return
    if not isinstance(value, dict):
        return
    step, rest = path[0], path[1:]
    match step:
        case Key(name=name):
            if rest:
                _apply(schema, rewrite, rest, value.get(name))
            else:
                _apply_at(schema, rewrite, name, value)
        case TypeIs(types=types):
            typename = value.get(TYPENAME)
            if isinstance(typename, str) and any(is_subtype(schema, typename, type_) for type_ in types):
                _apply(schema, rewrite, rest, value)
        case Each():
            _apply(schema, rewrite, rest, value)
        case Parent():
            raise ValueError("only a context path can lead to a parent")


def _apply_at(schema: GraphQLSchema, rewrite: Rewrite, key: str, target: dict[str, object]) -> None:
    if key not in target:
        return
    match rewrite:
        case ValueSetter(value=value):
            target[key] = value
        case KeyRenamer(name=name):
            # The object may already have the new key: the client can select the same field on an interface and on an
            # object type.
            merge(schema, target, {name: target.pop(key)})


def names_by_alias(rewrites: Iterable[Rewrite]) -> dict[str, str]:
    """Return a mapping from each internal alias to the key that replaces it."""
    return {
        rewrite.path[-1].name: rewrite.name
        for rewrite in rewrites
        if isinstance(rewrite, KeyRenamer) and isinstance(rewrite.path[-1], Key)
    }


def rename_in_path(rewrites: Iterable[Rewrite], path: ResponsePath) -> ResponsePath:
    """Replace internal aliases in the path of an error by the client's keys. Return the new path.

    Each internal alias is unique. So a rewrite applies wherever the path has its alias, and the type conditions of the
    rewrite need no check.
    """
    for rewrite in rewrites:
        if isinstance(rewrite, KeyRenamer):
            path = _rename(rewrite, path)
    return path


def _rename(rewrite: KeyRenamer, path: ResponsePath) -> ResponsePath:
    keys = [step.name for step in rewrite.path if isinstance(step, Key)]
    renamed: list[PathSegment] = list(path)
    depth = 0
    for position, segment in enumerate(path):
        if isinstance(segment, int):
            continue
        if segment != keys[depth]:
            return path
        depth += 1
        if depth == len(keys):
            renamed[position] = rewrite.name
            return tuple(renamed)
    return path
