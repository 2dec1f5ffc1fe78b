"""Routers that belong into the race and that it cannot start yet, with the reason for the tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn

from benchmarks.race.routers.router import Absent

if TYPE_CHECKING:
    from benchmarks.race.routers.router import Command, Options, Place
    from benchmarks.race.scenarios import Sharing


@dataclass(frozen=True, slots=True)
class AbsentRouter:
    """A router that takes no part."""

    name: str
    title: str
    language: str
    reason: str
    has_default_policies: bool = True

    def version(self) -> NoReturn:
        raise Absent(self.reason)

    def shares(self, _sharing: Sharing) -> bool:
        return False

    def command(self, _place: Place, _options: Options) -> Command:
        raise Absent(self.reason)


COSMO_ROUTER: Final = AbsentRouter(
    "cosmo-router", "Cosmo Router", "Go", "the public proxy of Go modules does not deliver its module"
)
APOLLO_ROUTER: Final = AbsentRouter("apollo-router", "Apollo Router", "Rust", "it is not built: an hour on two cores")
