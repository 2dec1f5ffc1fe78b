"""Finds the row of the route table for a path and a method.

The path is matched segment by segment before it is decoded, so that an encoded slash stays inside its segment. A
literal segment has priority over a parameter, whatever the method is. So `GET /api/transactions/transfer` matches the
route of transfers. This route has no GET, so the response is 405, although `GET /api/transactions/{id}` exists.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from rest_compat.errors import MethodNotAllowed, NotFound
from rest_compat.route import PARAMETER_MARK

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rest_compat.route import Route


@dataclass(slots=True)
class _PathNode:
    """A node in the tree of path segments."""

    literals: dict[str, _PathNode] = field(default_factory=dict)
    parameter: _PathNode | None = None
    routes: dict[str, Route] = field(default_factory=dict)

    def child(self, segment: str) -> _PathNode:
        if not segment.startswith(PARAMETER_MARK):
            return self.literals.setdefault(segment, _PathNode())
        if self.parameter is None:
            self.parameter = _PathNode()
        return self.parameter

    def find(self, segments: tuple[str, ...], values: tuple[str, ...] = ()) -> tuple[_PathNode, tuple[str, ...]] | None:
        """Return the node of a path and the values of the path's parameters, or None if no route has this path."""
        if not segments:
            return (self, values) if self.routes else None
        head, *rest = segments
        literal = self.literals.get(head)
        found = literal.find(tuple(rest), values) if literal else None
        if found is None and self.parameter and head:
            return self.parameter.find(tuple(rest), (*values, head))
        return found


@dataclass(frozen=True, slots=True)
class Resource:
    """The routes of one path by method, and the values of the path's parameters in their order."""

    routes: Mapping[str, Route]
    values: tuple[str, ...]

    @property
    def allow(self) -> str:
        """Return the value of `Allow`: the methods of the rows, OPTIONS, and also HEAD if there is GET."""
        implied = {"OPTIONS"} | ({"HEAD"} if "GET" in self.routes else set())
        return ", ".join(sorted({*self.routes, *implied}))

    def route(self, method: str) -> Route:
        """Return the row of a method. HEAD uses the row of GET.

        Raises:
            MethodNotAllowed: the path has no such method.
        """
        route = self.routes.get("GET" if method == "HEAD" else method)
        if route is None:
            raise MethodNotAllowed(self.allow)
        return route

    def path_inputs(self, route: Route) -> Mapping[str, str]:
        return dict(zip(route.path_parameters, self.values, strict=True))


class RouteMatcher:
    """Finds rows in a tree of path segments.

    Raises:
        ValueError: two rows have the same method and path.
    """

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root: Final = _PathNode()
        self._by_operation: Final[dict[str, Route]] = {}
        for route in routes:
            self._by_operation[route.operation] = route
            node = self._root
            for segment in route.segments:
                node = node.child(segment)
            if route.method in node.routes:
                raise ValueError(f"{route.method} {route.path} is in the table twice")
            node.routes[route.method] = route

    def of_operation(self, operation: str) -> Route:
        """Return the row that runs an operation. Each operation has exactly one row."""
        return self._by_operation[operation]

    def resource(self, raw_path: str) -> Resource:
        """Return the resource at a path. The path must still be percent-encoded.

        Raises:
            NotFound: no row has this path.
        """
        segments = tuple(unquote(segment) for segment in raw_path.removeprefix("/").split("/"))
        found = self._root.find(segments)
        if found is None:
            raise NotFound
        node, values = found
        return Resource(node.routes, values)
