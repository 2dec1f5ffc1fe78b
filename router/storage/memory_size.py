"""Measures how much memory a value holds, so that a cache can be bounded in bytes.

The memory of a document cannot be computed from the length of its text: a parsed document has an object for each token,
and a plan has an object for each selection. So the sizes of all objects are added up. This is much faster than making
the objects.
"""

from __future__ import annotations

import gc
import sys
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Final

from graphql import GraphQLDirective, GraphQLNamedType, GraphQLSchema

# Documents and plans refer to objects of these types, but do not own them: these objects live as long as the
# supergraph. So they are not counted.
_SHARED: Final = (
    type,
    ModuleType,
    FunctionType,
    BuiltinFunctionType,
    GraphQLSchema,
    GraphQLNamedType,
    GraphQLDirective,
)


def memory_size(*values: object) -> int:
    """Return roughly how many bytes `values` and all objects inside them take, at any depth.

    An object that is contained several times counts once. Types of the schema do not count.
    """
    is_shared: dict[type, bool] = {}
    seen: set[int] = set()
    layer: list[object] = list(values)
    size = 0
    while layer:
        new = {}
        for value in layer:
            kind = type(value)
            shared = is_shared.get(kind)
            if shared is None:
                shared = is_shared[kind] = issubclass(kind, _SHARED)
            if not shared and id(value) not in seen:
                new[id(value)] = value
        seen.update(new)
        size += sum(map(sys.getsizeof, new.values()))
        layer = gc.get_referents(*new.values())
    return size
