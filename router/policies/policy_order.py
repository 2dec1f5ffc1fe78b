"""Lists the policies of the router in the order in which their stages run.

A program that embeds the router can add its own stages. These stages run at the position of `EMBEDDED_STAGES`. A policy
that the settings switch off has no stage.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from router.policies import stages_of_few_configurations as on_demand
from router.policies.active_override_labels import OverrideLabels
from router.policies.apq import AutomaticPersistedQueries
from router.policies.authentication import make_authentication_stage as authentication
from router.policies.error_masking import ErrorMasking
from router.policies.header_propagation import HeaderPropagation
from router.policies.hide_schema_names_in_errors import HiddenSchemaNames
from router.policies.limit_list_items import ListItems
from router.policies.operation_limits_stage import OperationLimits
from router.policies.persisted_documents import PersistedDocumentList
from router.policies.query_plan_in_response import QueryPlanInResponse
from router.policies.redact_personal_data_in_logs import PersonalDataRedaction
from router.policies.response_headers import ResponseHeaders
from router.policies.shared_cache_control import SharedCacheControl
from router.policies.usage_recording import UsageRecording

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from router.pipeline.stage import Stage
    from router.policies.policy_setup import PolicySetup


class Policy(msgspec.Struct, frozen=True):
    """A policy, and its key in `router.yaml`. `configured` returns its stage, or None if the policy is off."""

    name: str
    key: str
    configured: Callable[[PolicySetup], Stage | None]


EMBEDDED_STAGES: Final = Policy("stages of an embedding program", "", lambda _inputs: None)

ORDER: Final[tuple[Policy, ...]] = (
    # The outermost stage, so that the recorded duration includes all other stages.
    Policy("usage recording", "usage", UsageRecording.configured),
    Policy("rate limits of addresses", "rate_limits", on_demand.rate_limits_of_addresses),
    Policy("authentication", "authentication", authentication.configured),
    EMBEDDED_STAGES,
    Policy("rate limits of identities", "rate_limits.rules[].key", on_demand.rate_limits_of_identities),
    Policy("persisted documents", "persisted_documents", PersistedDocumentList.configured),
    Policy("automatic persisted queries", "apq", AutomaticPersistedQueries.configured),
    Policy("limits", "limits", OperationLimits.configured),
    Policy("list items", "limits.list_items", ListItems.configured),
    Policy("authorization", "authorization", on_demand.authorization),
    Policy("step-up authentication", "authorization.step_up[].fields", on_demand.step_up),
    Policy("demand control", "demand_control", on_demand.demand_control),
    Policy("rate limits of costs", "rate_limits.rules[].counts", on_demand.rate_limits_of_costs),
    Policy("demand control of subgraphs", "demand_control.subgraph_max_cost", on_demand.demand_control_of_subgraphs),
    Policy("idempotency keys", "idempotency", on_demand.idempotency),
    Policy("override labels", "override_labels", OverrideLabels.configured),
    Policy("shared caches", "persisted_documents.shared_cache", SharedCacheControl.configured),
    Policy("header propagation", "headers", HeaderPropagation.configured),
    Policy("operation sharing", "traffic.share_operations", on_demand.operation_sharing),
    Policy("response headers", "headers.all.response[].propagate", ResponseHeaders.configured),
    Policy("error masking", "errors", ErrorMasking.configured),
    Policy("hidden schema names", "introspection", HiddenSchemaNames.configured),
    Policy("log redaction", "logging.redact_tag", PersonalDataRedaction.configured),
    Policy("query plan in responses", "query_plan.in_responses", QueryPlanInResponse.configured),
)


def in_order(inputs: PolicySetup, embedded: Sequence[Stage]) -> Iterator[Stage]:
    """Yield the stages of a gateway in order. `embedded` are the stages of a program that embeds the router.

    Raises:
        InvalidManifest: A manifest of persisted documents cannot be read.
        PolicySetupError: A file or a function that the settings name cannot be used.
    """
    for policy in ORDER:
        if policy is EMBEDDED_STAGES:
            yield from embedded
        elif (stage := policy.configured(inputs)) is not None:
            yield stage
