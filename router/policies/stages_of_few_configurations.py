"""Makes the stages that most configurations do not have.

The module of such a stage is imported only if the settings, or the directives of the supergraph, switch its policy on:
together, these modules take 2 % of the time until the router serves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from router.pipeline.stage import Stage
    from router.policies.policy_setup import PolicySetup


def rate_limits_of_addresses(inputs: PolicySetup) -> Stage | None:
    """Return the stage of the rate limits whose keys need no identity; None if there are none."""
    if not inputs.settings.rate_limits.rules:
        return None
    from router.policies.rate_limits.rate_limit_stage import AddressRateLimits  # noqa: PLC0415 - see above

    return AddressRateLimits.configured(inputs)


def rate_limits_of_identities(inputs: PolicySetup) -> Stage | None:
    """Return the stage of the rate limits whose keys need the identity of the client; None if there are none."""
    if not inputs.settings.rate_limits.rules:
        return None
    from router.policies.rate_limits.rate_limit_stage import IdentityRateLimits  # noqa: PLC0415 - see above

    return IdentityRateLimits.configured(inputs)


def rate_limits_of_costs(inputs: PolicySetup) -> Stage | None:
    """Return the stage of the rate limits that count costs; None if there are none.

    Raises:
        PolicySetupError: Demand control is disabled, so no costs are estimated.
    """
    if not inputs.settings.rate_limits.rules:
        return None
    from router.policies.rate_limits.rate_limit_stage import CostRateLimits  # noqa: PLC0415 - see above

    return CostRateLimits.configured(inputs)


def authorization(inputs: PolicySetup) -> Stage | None:
    """Return the stage of the authorization directives; None if the supergraph does not link them.

    Raises:
        PolicySetupError: The function or the server that decides about policies cannot be used.
    """
    if not inputs.supergraph.restrictions:
        return None
    from router.policies.authorization.authorization_stage import Authorization  # noqa: PLC0415 - see above

    return Authorization.configured(inputs)


def step_up(inputs: PolicySetup) -> Stage | None:
    """Return the stage of step-up authentication; None if no field needs it.

    Raises:
        PolicySetupError: A rule names a field that the supergraph does not have.
    """
    if not inputs.settings.authorization.step_up:
        return None
    from router.policies.authorization.step_up_stage import StepUp  # noqa: PLC0415 - see above

    return StepUp.configured(inputs)


def demand_control(inputs: PolicySetup) -> Stage | None:
    """Return the stage of demand control; None if it is disabled."""
    if inputs.settings.demand_control.mode == "disabled":
        return None
    from router.policies.demand_control.demand_control_stage import DemandControl  # noqa: PLC0415 - see above

    return DemandControl.configured(inputs)


def demand_control_of_subgraphs(inputs: PolicySetup) -> Stage | None:
    """Return the stage of the cost limits of subgraphs; None if there are none."""
    if inputs.settings.demand_control.mode == "disabled":
        return None
    from router.policies.demand_control.subgraph_demand import SubgraphDemand  # noqa: PLC0415 - see above

    return SubgraphDemand.configured(inputs)


def idempotency(inputs: PolicySetup) -> Stage | None:
    """Return the stage of idempotency keys; None if clients cannot send one."""
    settings = inputs.settings.idempotency
    if not settings.enabled and settings.argument is None:
        return None
    from router.policies.idempotency.idempotency_stage import Idempotency  # noqa: PLC0415 - see above

    return Idempotency.configured(inputs)


def operation_sharing(inputs: PolicySetup) -> Stage | None:
    """Return the stage that shares equal operations; None if it is off."""
    if not inputs.settings.traffic.share_operations:
        return None
    from router.policies.operation_sharing import OperationSharing  # noqa: PLC0415 - see above

    return OperationSharing.configured(inputs)
