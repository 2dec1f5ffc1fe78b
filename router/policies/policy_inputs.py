"""The objects from which the policies make their stages."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from router.policies.limit_checker import LimitChecker
    from router.settings.model import RouterSettings
    from router.supergraph import Supergraph


class PolicyInputs(NamedTuple):
    """The objects from which a policy makes its stage. The server uses the same `limits`."""

    supergraph: Supergraph
    settings: RouterSettings
    limits: LimitChecker
