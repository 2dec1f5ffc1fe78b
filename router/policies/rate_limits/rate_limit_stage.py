"""The three stages that limit clients. Each stage runs as soon as a request has what its rules need.

    stage                  its rules                                             runs before
    AddressRateLimits      the key needs no identity: address, header, names     the credential is verified
    IdentityRateLimits     the key has a claim or an API key                     the document is looked up
    CostRateLimits         the rule counts cost                                  the operation is planned

The response headers `RateLimit` and `RateLimit-Policy` have the state of all rules that applied.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Final

import msgspec

from router.errors import RateLimited
from router.pipeline.stage import Stage
from router.policies.load_operator_functions import PolicySetupError
from router.policies.rate_limits.client_keys import ClientKey
from router.policies.rate_limits.limiter import LimiterUnavailable, Quota, Use
from router.policies.rate_limits.memory_limiter import MemoryLimiter
from router.request.security_events import SecurityEvent, report

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from router.pipeline.request_context import RequestContext
    from router.policies.policy_setup import PolicySetup
    from router.policies.rate_limits.limiter import Decision, Limiter
    from router.preparation.operation_seen_by_stages import Operation
    from router.request.request_and_response import GraphQLResponse
    from router.settings.sections.rate_limits import RateLimitRule, RateLimits

_DECISIONS: Final = "rate limit decisions"
_RETRY_SECONDS: Final = 1


class Rule(msgspec.Struct, frozen=True):
    """A rule of the settings: its quota, and the key that identifies a client."""

    quota: Quota
    key: ClientKey

    @classmethod
    def of(cls, rule: RateLimitRule) -> Rule:
        """Return the rule of the settings."""
        quota = Quota(rule.name, rule.limit, rule.period, rule.burst if rule.burst is not None else rule.limit)
        return cls(quota, ClientKey(rule.name, rule.key))


class _RateLimitStage(Stage):
    """The common part of the three stages: the limiters in Redis and in memory, and the response headers."""

    name = ""

    def __init__(self, rules: Sequence[Rule], settings: RateLimits) -> None:
        self._rules = tuple(rules)
        self.local = MemoryLimiter(settings.clients * max(1, len(rules)))
        self._shared = _shared(settings)
        self._unavailable = settings.redis.unavailable if settings.redis is not None else "local"
        self._is_down = False
        self.counts: Counter[str] = Counter()

    def inherit(self, previous: Stage) -> None:
        """Take over the counts of the stage that this stage replaces. So a reload does not reset a client's limit."""
        if isinstance(previous, _RateLimitStage):
            self.local, self.counts = previous.local, previous.counts

    def status(self) -> Mapping[str, object]:
        """Return how many requests each rule has refused, and how many decisions were made without Redis."""
        return {self.name: dict(self.counts)}

    async def on_response(self, context: RequestContext, response: GraphQLResponse) -> GraphQLResponse:
        """Add the headers with the decisions of all three stages, unless another of the stages has added them."""
        decisions = context.state.pop(_DECISIONS, None)
        if not isinstance(decisions, list) or not decisions:
            return response
        return response.with_headers(_headers(decisions))

    async def aclose(self) -> None:
        """Close the connections to Redis."""
        if self._shared is not None:
            await self._shared.aclose()

    async def _take(self, context: RequestContext, weight: int) -> None:
        """For each rule that applies, count that the client uses `weight` units.

        Raises:
            RateLimited: A rule does not allow the use (429), or Redis does not respond (503).
        """
        keys = [(rule.quota, rule.key.of(context)) for rule in self._rules]
        uses = [Use(key, quota, weight) for quota, key in keys if key is not None]
        if not uses:
            return
        decisions = await self._decide(uses)
        known = context.state.setdefault(_DECISIONS, [])
        assert isinstance(known, list)  # noqa: S101 - only these stages use this key
        known += decisions
        refusals = [decision for decision in decisions if decision.wait > 0]
        if refusals:
            longest = max(refusals, key=lambda decision: decision.wait)
            self.counts.update(decision.quota.name for decision in refusals)
            report(SecurityEvent.RATE_LIMITED, rules=[each.quota.name for each in refusals], seconds=longest.wait)
            raise RateLimited(max(1, math.ceil(longest.wait)), longest.quota.policy)

    async def _decide(self, uses: Sequence[Use]) -> Sequence[Decision]:
        if self._shared is None:
            return await self.local.take(uses)
        try:
            decisions = await self._shared.take(uses)
        except LimiterUnavailable as error:
            self._note(is_down=True, reason=str(error))
        else:
            self._note(is_down=False)
            return decisions
        self.counts["without_redis"] += 1
        if self._unavailable == "closed":
            raise RateLimited.undecided(_RETRY_SECONDS)
        return await self.local.take(uses) if self._unavailable == "local" else ()

    def _note(self, *, is_down: bool, reason: str | None = None) -> None:
        """Log once that Redis does not respond, and once that it responds again."""
        if is_down != self._is_down:
            self._is_down = is_down
            if is_down:
                report(SecurityEvent.RATE_LIMITS_UNAVAILABLE, reason=reason, instead=self._unavailable)
            else:
                report(SecurityEvent.RATE_LIMITS_AVAILABLE)


class AddressRateLimits(_RateLimitStage):
    """Applies the rules whose keys need no identity, before the credential is verified."""

    name = "rate_limits"

    @classmethod
    def configured(cls, inputs: PolicySetup) -> AddressRateLimits | None:
        """Return the stage, or None if no rule of the settings belongs to this stage."""
        rules = [rule for rule in _rules(inputs, "requests") if not rule.key.needs_identity]
        return cls(rules, inputs.settings.rate_limits) if rules else None

    async def on_request(self, context: RequestContext) -> None:
        """Count the request.

        Raises:
            RateLimited: The client has used up a limit.
        """
        await self._take(context, 1)


class IdentityRateLimits(_RateLimitStage):
    """Applies the rules whose keys have a claim or an API key."""

    name = "rate_limits_of_identities"

    @classmethod
    def configured(cls, inputs: PolicySetup) -> IdentityRateLimits | None:
        """Return the stage, or None if no rule of the settings belongs to this stage."""
        rules = [rule for rule in _rules(inputs, "requests") if rule.key.needs_identity]
        return cls(rules, inputs.settings.rate_limits) if rules else None

    async def on_request(self, context: RequestContext) -> None:
        """Count the request.

        Raises:
            RateLimited: The client has used up a limit.
        """
        await self._take(context, 1)


class CostRateLimits(_RateLimitStage):
    """Limits the estimated cost of operations."""

    name = "rate_limits_of_costs"

    @classmethod
    def configured(cls, inputs: PolicySetup) -> CostRateLimits | None:
        """Return the stage, or None if no rule of the settings belongs to this stage.

        Raises:
            PolicySetupError: Demand control is disabled, so no costs are estimated.
        """
        rules = _rules(inputs, "cost")
        if rules and inputs.settings.demand_control.mode == "disabled":
            raise PolicySetupError("rate_limits.rules: `counts: cost` needs `demand_control.mode`")
        return cls(rules, inputs.settings.rate_limits) if rules else None

    async def on_operation(self, context: RequestContext, operation: Operation) -> None:
        """Count the estimated cost of the operation. An operation counts at least 1.

        Raises:
            RateLimited: The client has used up a limit.
        """
        del operation
        await self._take(context, max(1, context.record.cost_estimated or 0))


def _rules(inputs: PolicySetup, counts: str) -> list[Rule]:
    return [Rule.of(rule) for rule in inputs.settings.rate_limits.rules if rule.counts == counts]


def _shared(settings: RateLimits) -> Limiter | None:
    if settings.redis is None:
        return None
    from router.policies.rate_limits.redis_limiter import RedisLimiter  # noqa: PLC0415  (the Redis client takes long to import, and few routers use Redis)

    return RedisLimiter(settings.redis)


def _headers(decisions: Sequence[Decision]) -> tuple[tuple[str, str], ...]:
    return (
        ("ratelimit-policy", ", ".join(decision.quota.policy for decision in decisions)),
        ("ratelimit", ", ".join(decision.rate_limit for decision in decisions)),
    )
