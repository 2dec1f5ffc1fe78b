"""Which row a path and a method mean.

Paths are matched segment by segment on what the client sent, so that an encoded slash stays inside its segment. A
literal segment is tried before a parameter, for every method: `GET /api/transactions/transfer` is a wrong method on
the transfer route, never a transaction called "transfer".
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
class _Level:
    """All paths that share their first segments."""

    literals: dict[str, _Level] = field(default_factory=dict)
    parameter: _Level | None = None
    routes: dict[str, Route] = field(default_factory=dict)

    def below(self, segment: str) -> _Level:
        if not segment.startswith(PARAMETER_MARK):
            return self.literals.setdefault(segment, _Level())
        if self.parameter is None:
            self.parameter = _Level()
        return self.parameter

    def find(self, segments: tuple[str, ...], values: tuple[str, ...] = ()) -> tuple[_Level, tuple[str, ...]] | None:
        """The level where `segments` end, and what stood where it has parameters."""
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
    """What lies at a path: its methods, and the values of its parameters in order."""

    routes: Mapping[str, Route]
    values: tuple[str, ...]

    @property
    def allow(self) -> str:
        """The value of `Allow`: the rows' methods, and the two that follow from them."""
        implied = {"OPTIONS"} | ({"HEAD"} if "GET" in self.routes else set())
        return ", ".join(sorted({*self.routes, *implied}))

    def route(self, method: str) -> Route:
        """The row of a method, HEAD being GET's. Raises MethodNotAllowed."""
        route = self.routes.get("GET" if method == "HEAD" else method)
        if route is None:
            raise MethodNotAllowed(self.allow)
        return route

    def path_inputs(self, route: Route) -> Mapping[str, str]:
        return dict(zip(route.path_parameters, self.values, strict=True))


class RouteTable:
    def __init__(self, routes: Iterable[Route]) -> None:
        """Raises ValueError when two rows have the same method and path."""
        self._root: Final = _Level()
        self._running: Final[dict[str, Route]] = {}
        for route in routes:
            self._running[route.operation] = route
            level = self._root
            for segment in route.segments:
                level = level.below(segment)
            if route.method in level.routes:
                raise ValueError(f"{route.method} {route.path} is in the table twice")
            level.routes[route.method] = route

    def running(self, operation: str) -> Route:
        """The row that runs an operation; each has its own."""
        return self._running[operation]

    def resource(self, raw_path: str) -> Resource:
        """What lies at a path, still percent-encoded as the client sent it. Raises NotFound."""
        segments = tuple(unquote(segment) for segment in raw_path.removeprefix("/").split("/"))
        found = self._root.find(segments)
        if found is None:
            raise NotFound
        level, values = found
        return Resource(level.routes, values)
