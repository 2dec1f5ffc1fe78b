"""`PolicySetup`: the arguments for making the stage of a policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from router.policies.limit_checker import LimitChecker
    from router.settings.model import RouterSettings
    from router.supergraph import Supergraph


class PolicySetup(msgspec.Struct, frozen=True):
    """The arguments for making the stage of a policy.

    The server uses the same `limits` to check HTTP requests.
    """

    supergraph: Supergraph
    settings: RouterSettings
    limits: LimitChecker
