"""Decides which policies (`@policy`) hold for a client. Without a decision, a policy does not hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from router.policies.load_operator_functions import call
from router.request.security_events import SecurityEvent, report

if TYPE_CHECKING:
    from collections.abc import Callable, Collection


class PolicyQuestion(msgspec.Struct, frozen=True):
    """A question: which of `policies` hold for this client?

    Attributes:
        policies: The names in `@policy` directives on which the operation depends.
        claims: The claims of the client; None for a client without a credential.
        headers: The headers of the request by lower-case name.
        operation_name: The name of the operation, None if it has no name.
    """

    policies: frozenset[str]
    claims: Mapping[str, object] | None = None
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)
    operation_name: str | None = None


class PolicyDecider(Protocol):
    """The interface for deciding which policies hold."""

    async def granted(self, question: PolicyQuestion) -> frozenset[str]:
        """Return the policies of the question that hold. If a policy cannot be decided, it does not hold."""
        ...

    async def aclose(self) -> None:
        """Close connections."""


class NoPolicies:
    """A `PolicyDecider` that is used if the settings name neither a function nor a server. No policy holds."""

    async def granted(self, question: PolicyQuestion) -> frozenset[str]:
        del question
        return frozenset()

    async def aclose(self) -> None:
        pass


class FunctionDecider:
    """A `PolicyDecider` that calls a Python function of the operator.

    The function returns the names of the policies that hold, or a mapping of policy names to booleans.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    async def granted(self, question: PolicyQuestion) -> frozenset[str]:
        try:
            return holding(await call(self._function, question)) & question.policies
        except Exception as error:  # noqa: BLE001  (whatever the operator's code raises, the policies do not hold)
            unavailable(question.policies, type(error).__name__)
            return frozenset()

    async def aclose(self) -> None:
        pass


def holding(decision: Any) -> frozenset[str]:
    """Return the names of the policies that hold.

    `decision` is a collection of the names of policies that hold, or a mapping of policy names to booleans.

    In a mapping, only the boolean true means that the policy holds. Another value, such as the text "false", does not.

    Raises:
        TypeError: `decision` is neither a collection nor a mapping.
    """
    if isinstance(decision, Mapping):
        return frozenset(name for name, value in decision.items() if value is True)
    if isinstance(decision, list | tuple | set | frozenset):
        return frozenset(name for name in decision if isinstance(name, str))
    raise TypeError("not a collection of policies")


def unavailable(policies: Collection[str], reason: str) -> None:
    """Log that there is no decision about `policies`."""
    report(SecurityEvent.POLICY_UNAVAILABLE, policies=sorted(policies), reason=reason)
