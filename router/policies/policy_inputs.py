"""What a policy is made from."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from router.policies.limit_checker import LimitChecker
    from router.settings.model import RouterSettings
    from router.supergraph import Supergraph


class PolicyInputs(NamedTuple):
    """The supergraph, the settings, and what policies share with the server: the counters of `limits`."""

    supergraph: Supergraph
    settings: RouterSettings
    limits: LimitChecker
