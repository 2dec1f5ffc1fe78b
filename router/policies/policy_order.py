"""The policies of the router, in the order in which they see a request.

The stages of an embedding program stand in the place of `EMBEDDED_STAGES`: they see a request before the policies that
come after it, and its response after them. A policy that the settings do not switch on is not part of a gateway.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from router.policies.apq import AutomaticPersistedQueries
from router.policies.error_masking import ErrorMasking
from router.policies.header_propagation import HeaderPropagation
from router.policies.limits_stage import OperationLimits
from router.policies.log_redaction import LogRedaction
from router.policies.override_labels import OverrideLabels
from router.policies.persisted_documents import PersistedDocumentList

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from router.pipeline.stage import Stage
    from router.policies.policy_inputs import PolicyInputs


class Policy(NamedTuple):
    """One policy: its name, the key of `router.yaml` that configures it, and what makes its stage, None when off."""

    name: str
    key: str
    configured: Callable[[PolicyInputs], Stage | None]


EMBEDDED_STAGES: Final = Policy("stages of an embedding program", "", lambda _inputs: None)

ORDER: Final[tuple[Policy, ...]] = (
    EMBEDDED_STAGES,
    Policy("persisted documents", "persisted_documents", PersistedDocumentList.configured),
    Policy("automatic persisted queries", "apq", AutomaticPersistedQueries.configured),
    Policy("limits", "limits", OperationLimits.configured),
    Policy("override labels", "override_labels", OverrideLabels.configured),
    Policy("header propagation", "headers", HeaderPropagation.configured),
    Policy("error masking", "errors", ErrorMasking.configured),
    Policy("log redaction", "logging.redact_tag", LogRedaction.configured),
)


def in_order(inputs: PolicyInputs, embedded: Sequence[Stage]) -> Iterator[Stage]:
    """The stages of a gateway: those of the policies that are on, and those of an embedding program.

    Raises:
        InvalidManifest: A list of persisted documents is not readable.
    """
    for policy in ORDER:
        if policy is EMBEDDED_STAGES:
            yield from embedded
        elif (stage := policy.configured(inputs)) is not None:
            yield stage
