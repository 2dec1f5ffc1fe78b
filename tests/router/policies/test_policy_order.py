"""A policy that is off is not part of a gateway.

Covers `router/policies/policy_setup.py` and `router/policies/stages_of_few_configurations.py` too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from router.pipeline import Stage
from router.policies.active_override_labels import OverrideLabels
from router.policies.apq import AutomaticPersistedQueries
from router.policies.demand_control.demand_control_stage import DemandControl
from router.policies.error_masking import ErrorMasking
from router.policies.header_propagation import HeaderPropagation
from router.policies.hide_schema_names_in_errors import HiddenSchemaNames
from router.policies.idempotency.idempotency_stage import Idempotency
from router.policies.limit_checker import LimitChecker
from router.policies.limit_list_items import ListItems
from router.policies.operation_limits_stage import MeasuredOperationLimits, OperationLimits
from router.policies.operation_sharing import OperationSharing
from router.policies.persisted_documents import PersistedDocumentList
from router.policies.policy_order import EMBEDDED_STAGES, ORDER, in_order
from router.policies.policy_setup import PolicySetup
from router.policies.query_plan_in_response import QueryPlanInResponse
from router.policies.redact_personal_data_in_logs import PersonalDataRedaction
from router.policies.usage_recording import UsageRecording
from router.settings import read
from router.settings.all_keys import keys
from router.supergraph import load
from tests.router.policies.test_active_override_labels import SDL as LABELLED
from tests.router.policies.test_limit_list_items import SDL as SIZED
from tests.router.shop import SDL

if TYPE_CHECKING:
    from pathlib import Path

ALWAYS: list[type[Stage]] = [OperationLimits, ErrorMasking, HiddenSchemaNames]
TAGGED = SDL.replace("  name: String", '  name: String @tag(name: "pii")').replace(
    "scalar join__FieldSet", "directive @tag(name: String!) repeatable on FIELD_DEFINITION\nscalar join__FieldSet"
)


def stages(settings: str = "", sdl: str = SDL, *embedded: Stage) -> list[type[Stage]]:
    read_settings = read(settings, {})
    inputs = PolicySetup(load(sdl), read_settings, LimitChecker(read_settings.limits))
    return [type(stage) for stage in in_order(inputs, embedded)]


def test_by_default_only_limits_masking_and_hidden_names_are_on() -> None:
    assert stages() == ALWAYS


@pytest.mark.parametrize(
    ("settings", "sdl", "expected"),
    [
        ("usage: {enabled: true, file: usage.sqlite}", SDL, [UsageRecording, *ALWAYS]),
        ("apq: {enabled: true}", SDL, [AutomaticPersistedQueries, *ALWAYS]),
        (
            "headers: {all: {request: [{propagate: {named: a}}]}}",
            SDL,
            [OperationLimits, HeaderPropagation, ErrorMasking, HiddenSchemaNames],
        ),
        (
            "headers: {subgraphs: {people: {request: [{propagate: {named: a}}]}}}",
            SDL,
            [OperationLimits, HeaderPropagation, ErrorMasking, HiddenSchemaNames],
        ),
        ("headers: {subgraphs: {people: {request: []}}}", SDL, ALWAYS),
        ("limits: {measure: [depth]}", SDL, [MeasuredOperationLimits, ErrorMasking, HiddenSchemaNames]),
        ("", LABELLED, [OperationLimits, OverrideLabels, ErrorMasking, HiddenSchemaNames]),
        ("", TAGGED, [*ALWAYS, PersonalDataRedaction]),
        ("logging: {redact_tag: other}", TAGGED, ALWAYS),
        ("", SIZED, [OperationLimits, ListItems, ErrorMasking, HiddenSchemaNames]),
        ("limits: {list_items: null}", SIZED, ALWAYS),
        ("introspection: true", SDL, [OperationLimits, ErrorMasking]),
        ("demand_control: {mode: measure}", SDL, [OperationLimits, DemandControl, *ALWAYS[1:]]),
        ("traffic: {share_operations: true}", SDL, [OperationLimits, OperationSharing, *ALWAYS[1:]]),
        ("idempotency: {enabled: true}", SDL, [OperationLimits, Idempotency, *ALWAYS[1:]]),
        ("query_plan: {in_responses: true}", SDL, [*ALWAYS, QueryPlanInResponse]),
    ],
)
def test_each_policy_is_on_where_its_settings_say(settings: str, sdl: str, expected: list[type[Stage]]) -> None:
    assert stages(settings, sdl) == expected


def test_persisted_documents_are_on_with_a_mode(tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text("{}")
    settings = f"persisted_documents: {{mode: measure, manifests: ['{tmp_path}/list.json']}}"
    assert stages(settings) == [PersistedDocumentList, *ALWAYS]


def test_embedded_stages_stand_in_their_place() -> None:
    class Own(Stage):
        """A stage of an embedding program."""

    assert stages("", SDL, Own(), Own()) == [Own, Own, *ALWAYS]


def test_each_policy_names_a_key_of_the_configuration() -> None:
    known = {key.path for key in keys()}
    assert {policy.key for policy in ORDER if policy is not EMBEDDED_STAGES} <= known
