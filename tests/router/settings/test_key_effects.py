"""Every key of the configuration has an effect: for each key a test changes it and sees the behaviour change.

Covers `router/settings/all_keys.py`, `router/settings/model.py`, `router/settings/sections/admin.py`,
`router/settings/sections/apq.py`, `router/settings/sections/authentication.py`,
`router/settings/sections/authorization.py`,
`router/settings/sections/batching.py`, `router/settings/sections/cache.py`,
`router/settings/sections/compression.py`, `router/settings/sections/cors.py`, `router/settings/sections/csrf.py`,
`router/settings/sections/demand_control.py`, `router/settings/sections/errors.py`,
`router/settings/sections/headers.py`, `router/settings/sections/ide.py`, `router/settings/sections/idempotency.py`,
`router/settings/sections/limits.py`, `router/settings/sections/query_plan.py`,
`router/settings/sections/logging.py`, `router/settings/sections/overload.py`,
`router/settings/sections/execution.py`, `router/settings/sections/persisted_documents.py`,
`router/settings/sections/planner.py`, `router/settings/sections/rate_limits.py`,
`router/settings/sections/reload.py`, `router/settings/sections/server.py`, `router/settings/sections/signatures.py`,
`router/settings/sections/supergraph.py`, `router/settings/sections/tls.py`,
`router/settings/sections/traffic.py`, `router/settings/sections/usage.py`,
`router/settings/sections/warm_up.py`.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from router.settings import read
from router.settings.all_keys import keys
from router.settings.sections.traffic import AllTraffic, SubgraphTraffic

ROOT = Path(__file__).parents[3]
ROUTER = "tests/router"

HEADERS = f"{ROUTER}/policies/test_header_propagation.py"
RESPONSE_HEADERS = f"{ROUTER}/policies/test_response_headers.py"
HEADER_RULES = f"{HEADERS}::test_rules_decide_what_is_sent"
OWN_HEADER_RULES = f"{HEADERS}::test_rules_of_a_subgraph_come_after_those_for_all_and_touch_no_other"
OWN_TRAFFIC = f"{ROUTER}/settings/test_key_effects.py::test_each_key_of_one_subgraphs_traffic_is_its_own"
OPERATION_LIMITS = f"{ROUTER}/policies/test_limit_checker.py::test_each_limit_holds_at_its_value_and_not_below"
TEXT_LIMITS = f"{ROUTER}/policies/test_limit_checker.py::test_limits_of_the_text_hold_at_their_value_and_not_below"
HTTP_LIMITS = f"{ROUTER}/server/test_head_limits.py::test_each_limit_holds_at_its_value_and_not_below"
PREFLIGHT = f"{ROUTER}/server/test_cors.py::test_a_preflight_gets_the_headers_of_the_settings"
PAGES = f"{ROUTER}/server/test_cors.py::test_a_page_on_the_list_may_read_responses"
CSRF = f"{ROUTER}/server/test_csrf.py::test_csrf_prevention_can_be_switched_off_and_its_headers_chosen"
COMPRESSION = f"{ROUTER}/server/test_response_compression.py::test_each_key_acts"
MASKING = f"{ROUTER}/policies/test_error_masking.py"
TRANSPORT_CODES = f"{MASKING}::test_each_transport_failure_has_the_code_that_is_configured_for_it"
ALLOWED = f"{MASKING}::test_an_allowed_code_passes_with_its_message_and_only_allowed_extensions"
ALLOWED_ONE = f"{MASKING}::test_a_subgraph_may_be_allowed_more_than_the_others"
SIGNING = f"{ROUTER}/transport/test_request_signing.py"
STORED = f"{ROUTER}/storage/test_stores.py::test_keys_have_the_configured_prefix_and_expiry"
IDS = f"{ROUTER}/server/test_find_document_id.py::test_an_id_is_found_where_the_settings_say"
GATEWAY = f"{ROUTER}/test_gateway.py"
KEPT = f"{GATEWAY}::test_what_is_kept_is_bounded_by_settings"
LITERALS = f"{ROUTER}/preparation/test_lift_literals.py"
COMPILED = f"{ROUTER}/pipeline/test_compile_frequent_plans.py"
OVERLOAD = f"{ROUTER}/server/test_overload_protection.py"
CONNECTIONS = f"{ROUTER}/cli/test_connections.py"
SERVE = f"{ROUTER}/cli/test_serve.py"
ADDRESS = f"{ROUTER}/lifecycle/test_supergraph_url.py"
RELOAD = f"{ROUTER}/lifecycle/test_reload.py::test_files_are_watched_as_the_settings_say"
WARM_UP = f"{ROUTER}/lifecycle/test_warm_up.py"
LABELS = f"{ROUTER}/policies/test_active_override_labels.py"
DOCUMENTS = f"{ROUTER}/test_persisted_documents.py"
TRAFFIC = f"{ROUTER}/test_traffic_settings.py"
LEFT_ALONE = f"{TRAFFIC}::test_a_subgraph_with_retry_after_gets_no_requests_until_then"

IDENTITY = f"{ROUTER}/policies/authentication"
STAGE = f"{IDENTITY}/test_authentication_stage.py"
TOKENS = f"{IDENTITY}/test_jwt_verification.py"
REMOTE_KEYS = f"{IDENTITY}/test_remote_key_set.py"
EACH_OF_AN_ISSUER = f"{TOKENS}::test_each_setting_of_an_issuer_acts"
SOURCES = f"{IDENTITY}/test_token_sources.py::test_the_first_source_with_a_token_decides"
REVOKED = f"{IDENTITY}/test_revocation.py::test_a_revocation_is_effective_for_the_next_request"
SIGNED = f"{STAGE}::test_subgraphs_learn_claims_from_a_signed_token"
REMOTE = f"{STAGE}::test_keys_are_fetched_as_the_settings_say"
REMOTE_TLS = f"{STAGE}::test_keys_are_fetched_with_the_client_certificate_of_the_settings"
MUTUAL_TLS = f"{ROUTER}/cli/test_mutual_tls.py::test_the_router_serves_the_callers_of_its_settings"
SERVER_NAMES = f"{TRAFFIC}::test_the_certificate_of_a_subgraph_has_the_name_and_identity_of_the_settings"

ACCESS = f"{ROUTER}/policies/authorization/test_authorization_stage.py"
PROXY = f"{ROUTER}/transport/http1/test_http_proxy.py"
EXCHANGE = f"{ROUTER}/policies/authentication/test_api_key_exchange.py"
DPOP = f"{ROUTER}/policies/authentication/test_dpop_proofs.py"
STEP_UP = f"{ROUTER}/policies/authorization/test_step_up_stage.py"
POLICY_SERVER = f"{ROUTER}/policies/authorization/test_policy_server.py"

RATES = f"{ROUTER}/policies/rate_limits/test_rate_limit_stage.py"
NO_REDIS = f"{RATES}::test_without_redis_the_settings_decide"
SHARED_RATES = f"{RATES}::test_routers_count_together_in_redis"
IDEMPOTENCY = f"{ROUTER}/policies/idempotency/test_idempotency_stage.py"
DEMAND = f"{ROUTER}/policies/demand_control"
RECORDING = f"{ROUTER}/policies/test_usage_recording.py"

TESTS: dict[str, str] = {
    "idempotency.enabled": f"{IDEMPOTENCY}::test_it_is_off_by_default",
    "idempotency.argument": (
        f"{ROUTER}/policies/idempotency/test_subgraph_keys.py::test_without_enabled_the_router_stores_nothing"
    ),
    "idempotency.header": f"{IDEMPOTENCY}::test_the_header_is_a_setting",
    **{
        f"idempotency.{name}": f"{IDEMPOTENCY}::test_bounds_and_time_are_settings"
        for name in ("ttl", "entries", "memory_bytes")
    },
    **{
        f"idempotency.redis.{name}": f"{IDEMPOTENCY}::test_workers_share_keys_in_redis"
        for name in ("url", "timeout", "prefix")
    },
    "usage.enabled": f"{RECORDING}::test_it_is_off_by_default",
    "usage.file": f"{RECORDING}::test_requests_are_counted_by_operation_and_client",
    "usage.postgres_url": f"{RECORDING}::test_postgres_is_a_store_too",
    "usage.flush_interval": f"{RECORDING}::test_what_waits_is_written_at_the_interval",
    "usage.one_in": f"{RECORDING}::test_sampling_counts_one_request_for_many_and_knows_no_variables",
    **{
        f"usage.client_{part}_header": f"{RECORDING}::test_headers_name_the_client_and_are_cut"
        for part in ("name", "version")
    },
    **{
        f"usage.waiting_{what}": f"{RECORDING}::test_limits_of_what_waits_hold_and_are_counted"
        for what in ("operations", "clients")
    },
    "usage.stored_operations": f"{RECORDING}::test_more_operations_than_may_be_stored_are_counted",
    **{
        f"usage.{key}": f"{RECORDING}::test_old_counts_are_deleted_as_the_settings_say"
        for key in ("keep_days", "keep_minutes_days")
    },
    "rate_limits.rules[].name": f"{RATES}::test_a_client_beyond_a_limit_gets_429_and_is_told_when_to_come_back",
    "rate_limits.rules[].limit": f"{RATES}::test_a_client_beyond_a_limit_gets_429_and_is_told_when_to_come_back",
    "rate_limits.rules[].period": f"{RATES}::test_a_client_beyond_a_limit_gets_429_and_is_told_when_to_come_back",
    "rate_limits.rules[].key": f"{RATES}::test_each_client_has_its_own_count",
    "rate_limits.rules[].burst": f"{RATES}::test_a_burst_may_be_larger_than_the_limit",
    "rate_limits.rules[].counts": f"{RATES}::test_costs_are_limited",
    "rate_limits.clients": f"{RATES}::test_the_number_of_remembered_clients_is_bounded",
    "rate_limits.redis.unavailable": NO_REDIS,
    **{f"rate_limits.redis.{name}": SHARED_RATES for name in ("url", "timeout", "prefix")},
    **{
        f"demand_control.{name}": f"{DEMAND}/test_demand_control_stage.py::{test}"
        for name, test in {
            "mode": "test_an_operation_above_the_limit_is_refused_or_only_reported",
            "max_cost": "test_an_operation_above_the_limit_is_refused_or_only_reported",
            "list_size": "test_lists_without_a_size_have_that_of_the_settings",
            "measure_responses": "test_responses_are_measured_unless_the_settings_say_no",
            "in_responses": "test_clients_see_costs_if_the_settings_say_so",
        }.items()
    },
    **{
        f"demand_control.{name}": f"{DEMAND}/test_subgraph_demand.py::test_a_fetch_above_the_limit_is_not_sent"
        for name in ("subgraph_max_cost", "subgraphs.<name>.max_cost")
    },
    "authorization.mode": f"{ACCESS}::test_an_operation_is_refused_as_a_whole_in_the_mode_reject",
    "authorization.log_refusals": f"{ACCESS}::test_refused_fields_are_logged_unless_the_settings_forbid_it",
    **{
        f"authorization.{who}.{name}": f"{ACCESS}::test_the_settings_choose_the_errors"
        for who in ("unauthenticated", "forbidden")
        for name in ("code", "message")
    },
    **{
        f"authorization.step_up[].{name}": f"{STEP_UP}::test_a_rule_applies_where_its_field_is_selected"
        for name in ("fields", "operations", "acr_values", "max_age")
    },
    "authorization.policies.function": f"{ACCESS}::test_a_function_decides_about_policies",
    **{
        f"authorization.policies.server.{name}": f"{POLICY_SERVER}::test_all_policies_of_a_request_are_asked_at_once"
        for name in ("url", "headers")
    },
    "authorization.policies.server.timeout": f"{POLICY_SERVER}::test_without_a_usable_response_no_policy_holds",
    "authorization.policies.server.cache_time": f"{POLICY_SERVER}::test_a_decision_is_used_for_a_while",
    "authorization.policies.server.certificate_authority": f"{POLICY_SERVER}::test_https_needs_a_trusted_authority",
    "authentication.anonymous": f"{STAGE}::test_a_request_without_a_credential_is_served_unless_the_settings_forbid_it",
    "authentication.invalid_credentials": f"{STAGE}::test_an_invalid_credential_can_be_ignored",
    "authentication.jwt.issuers[].issuer": f"{TOKENS}::test_no_attack_from_published_lists_is_accepted",
    **{
        f"authentication.jwt.issuers[].{name}": EACH_OF_AN_ISSUER
        for name in ("audiences", "algorithms", "types", "required_claims")
    },
    "authentication.jwt.issuers[].keys.url": REMOTE,
    "authentication.jwt.issuers[].keys.timeout": REMOTE,
    "authentication.jwt.issuers[].keys.certificate_authority": REMOTE,
    **{
        f"authentication.jwt.issuers[].keys.{name}": REMOTE_TLS
        for name in ("client_certificate", "client_key", "server_identity")
    },
    **{f"tls.{name}": MUTUAL_TLS for name in ("identity", "health_port", "callers[].path", "callers[].identities")},
    "authentication.jwt.issuers[].keys.file": f"{STAGE}::test_an_invalid_credential_can_be_ignored",
    "authentication.jwt.issuers[].keys.refresh_interval": (
        f"{REMOTE_KEYS}::test_old_keys_are_used_while_one_fetch_runs_beside"
    ),
    "authentication.jwt.issuers[].keys.longest_stale": (
        f"{REMOTE_KEYS}::test_keys_that_cannot_be_fetched_are_used_until_they_are_too_old"
    ),
    "authentication.jwt.issuers[].keys.unknown_key_interval": (
        f"{REMOTE_KEYS}::test_a_new_key_is_found_at_once_and_forged_key_ids_cause_few_fetches"
    ),
    **{f"authentication.jwt.sources[].{name}": SOURCES for name in ("header", "scheme", "cookie")},
    "authentication.jwt.clock_skew": f"{TOKENS}::test_clocks_may_differ_by_the_skew",
    "authentication.jwt.scope_claim": f"{TOKENS}::test_scopes_are_in_the_claim_of_the_settings",
    "authentication.jwt.dpop.mode": f"{DPOP}::test_only_bound_tokens_are_accepted_if_the_mode_is_require",
    "authentication.jwt.dpop.urls": f"{DPOP}::test_equal_urls_may_be_written_in_several_ways",
    "authentication.jwt.dpop.algorithms": f"{DPOP}::test_keys_of_every_kind_can_be_bound",
    "authentication.jwt.dpop.lifetime": f"{DPOP}::test_the_age_of_a_proof_is_the_setting",
    **{
        f"authentication.jwt.dpop.redis.{name}": f"{DPOP}::test_routers_share_used_proofs_in_redis"
        for name in ("url", "timeout", "prefix")
    },
    "authentication.jwt.dpop.remembered_proofs": (
        f"{DPOP}::test_a_full_memory_of_proofs_refuses_instead_of_forgetting"
    ),
    **{
        f"authentication.jwt.dpop.{name}": (f"{DPOP}::test_with_a_nonce_secret_a_proof_needs_a_nonce_of_the_router")
        for name in ("nonce_secret", "nonce_lifetime")
    },
    "authentication.jwt.dpop.statement_secret": f"{DPOP}::test_a_server_in_front_states_which_key_was_proved",
    "authentication.jwt.cached_tokens": f"{TOKENS}::test_the_number_of_remembered_tokens_is_bounded",
    **{f"authentication.jwt.revocation.{name}": REVOKED for name in ("sqlite", "table", "column", "claim")},
    "authentication.jwt.revocation_check": f"{STAGE}::test_a_function_revokes_tokens",
    "authentication.api_keys.header": f"{STAGE}::test_a_function_finds_api_keys",
    "authentication.api_keys.file": f"{STAGE}::test_an_api_key_is_a_credential",
    "authentication.api_keys.lookup": f"{STAGE}::test_a_function_finds_api_keys",
    "authentication.api_keys.exchange.url": f"{EXCHANGE}::test_a_key_has_the_claims_of_its_token",
    "authentication.api_keys.exchange.prefix": f"{EXCHANGE}::test_only_keys_with_the_prefix_are_exchanged",
    "authentication.api_keys.exchange.cache": f"{EXCHANGE}::test_a_revoked_key_is_refused_when_its_result_is_too_old",
    "authentication.api_keys.exchange.cached_keys": f"{EXCHANGE}::test_the_number_of_results_is_bounded",
    "authentication.api_keys.exchange.timeout": f"{EXCHANGE}::test_the_endpoint_has_only_so_much_time",
    **{
        f"authentication.api_keys.exchange.{name}": (
            f"{EXCHANGE}::test_the_endpoint_is_called_with_the_client_certificate_of_the_settings"
        )
        for name in ("certificate_authority", "client_certificate", "client_key", "server_identity")
    },
    "authentication.forward.proof_key": f"{DPOP}::test_subgraphs_learn_which_key_was_proved",
    "authentication.forward.headers": f"{STAGE}::test_subgraphs_learn_claims_from_headers_that_no_client_can_forge",
    **{
        f"authentication.forward.token.{name}": SIGNED
        for name in ("header", "secret", "issuer", "audience", "lifetime", "claims")
    },
    "server.host": f"{ROUTER}/settings/test_load.py::test_host_and_port_fall_back_to_the_environment",
    "server.port": f"{ROUTER}/cli/test_cli.py::test_host_and_port_come_from_the_environment",
    "server.path": f"{ROUTER}/server/test_request_reading.py::test_the_path_is_configurable",
    "server.head_timeout": f"{CONNECTIONS}::test_a_head_is_limited_in_time",
    "server.keep_alive_timeout": f"{CONNECTIONS}::test_an_idle_connection_is_closed",
    "server.keep_alive_requests": f"{CONNECTIONS}::test_a_connection_is_closed_after_a_number_of_requests",
    "server.max_connections": f"{CONNECTIONS}::test_a_new_connection_takes_the_place_of_a_silent_one",
    "server.trusted_proxies": f"{ROUTER}/server/test_client_address.py::test_only_trusted_proxies_are_believed",
    "server.http_server": f"{CONNECTIONS}::test_each_http_server_serves_requests",
    "server.workers": f"{SERVE}::test_workers_do_not_outlive_their_supervisor",
    "server.drain_timeout": f"{SERVE}::test_draining_has_a_time_limit",
    "supergraph.file": f"{ADDRESS}::test_a_reload_can_change_the_source",
    "supergraph.url": f"{ADDRESS}::test_it_is_fetched_at_the_start_and_polled_with_its_etag",
    "supergraph.headers": f"{ADDRESS}::test_the_request_has_the_headers_of_the_settings",
    "supergraph.poll_interval": f"{ADDRESS}::test_the_poll_interval_is_a_setting",
    "supergraph.timeout": f"{ADDRESS}::test_a_response_has_a_time_limit",
    "supergraph.certificate_authority": f"{ADDRESS}::test_https_needs_a_trusted_certificate_authority",
    "reload.watch": RELOAD,
    "reload.watch_interval": RELOAD,
    "warm_up.file": f"{WARM_UP}::test_the_first_request_of_a_client_finds_its_plan",
    "warm_up.hottest": f"{WARM_UP}::test_a_new_supergraph_is_warmed_up_with_what_was_used_most",
    "warm_up.rate": f"{WARM_UP}::test_while_clients_are_served_it_keeps_to_its_rate",
    "warm_up.timeout": f"{WARM_UP}::test_it_ends_at_its_time_limit",
    "admin.enabled": f"{SERVE}::test_the_admin_port_differs_from_the_public_port",
    "admin.host": f"{SERVE}::test_the_admin_port_is_where_the_settings_say",
    "admin.port": f"{SERVE}::test_a_taken_admin_port_is_named",
    "admin.token": f"{ROUTER}/lifecycle/test_admin_port.py::test_without_a_token_in_the_settings_nobody_reloads",
    "overload.max_requests": f"{OVERLOAD}::test_requests_beyond_the_bound_are_refused_and_the_others_served",
    "overload.busy_duration": f"{OVERLOAD}::test_the_settings_decide_when_requests_start",
    "overload.max_wait": f"{OVERLOAD}::test_the_settings_decide_when_requests_start",
    "overload.retry_after": f"{OVERLOAD}::test_requests_beyond_the_bound_are_refused_and_the_others_served",
    "overload.unready_after": f"{OVERLOAD}::test_many_refusals_in_a_short_time_make_it_unready",
    "overload.window": f"{OVERLOAD}::test_it_is_ready_again_when_they_are_long_ago",
    "logging.requests.one_in": f"{ROUTER}/server/test_log_sampling.py::test_one_in_so_many_usual_requests_has_a_line",
    "logging.requests.slow": f"{ROUTER}/server/test_log_sampling.py::test_slow_requests_always_have_a_line",
    "logging.redact_tag": f"{ROUTER}/policies/test_redact_personal_data_in_logs.py::test_the_tag_is_a_setting",
    "ide.enabled": f"{ROUTER}/server/pages/test_ide_pages.py::test_the_page_is_there_only_if_the_settings_say_so",
    "query_plan.in_responses": f"{ROUTER}/policies/test_query_plan_in_response.py::test_it_is_off_by_default",
    "introspection": f"{GATEWAY}::test_introspection_is_a_setting",
    "override_subgraph_url": f"{TRAFFIC}::test_the_settings_give_the_url_of_a_subgraph",
    "override_labels": f"{LABELS}::test_a_label_holds_for_the_share_in_the_settings",
    **dict.fromkeys((key.path for key in keys() if key.path.startswith("headers.all.") and key.is_leaf), HEADER_RULES),
    **dict.fromkeys(
        (key.path for key in keys() if key.path.startswith("headers.subgraphs.") and key.is_leaf), OWN_HEADER_RULES
    ),
    **{
        key.path: f"{RESPONSE_HEADERS}::{test}"
        for section, test in {
            "all": "test_rules_decide_what_a_client_gets",
            "subgraphs.<name>": "test_rules_of_a_subgraph_come_after_those_for_all_and_touch_no_other",
        }.items()
        for key in keys()
        if key.is_leaf and key.path.startswith(f"headers.{section}.response")
    },
    "traffic.share_operations": f"{ROUTER}/policies/test_operation_sharing.py::test_it_is_off_by_default",
    "traffic.request_timeout": f"{GATEWAY}::test_the_whole_request_has_a_deadline_that_stops_its_fetches",
    "traffic.all.timeout": f"{TRAFFIC}::test_a_subgraph_has_a_timeout",
    "traffic.all.max_connections": f"{TRAFFIC}::test_connections_are_limited",
    "traffic.all.max_waiting": f"{TRAFFIC}::test_fetches_that_wait_for_a_connection_are_limited",
    "traffic.all.idle_timeout": f"{TRAFFIC}::test_an_idle_connection_has_a_timeout",
    "traffic.all.max_response_bytes": f"{TRAFFIC}::test_a_response_has_a_maximum_size",
    "traffic.all.certificate_authority": f"{TRAFFIC}::test_https_needs_a_trusted_certificate_authority",
    "traffic.all.accept_encodings": f"{TRAFFIC}::test_a_subgraph_may_respond_in_an_offered_coding",
    **{
        f"traffic.all.proxy.{name}": f"{PROXY}::test_the_proxy_gets_the_credentials_and_the_subgraph_does_not"
        for name in ("url", "username", "password")
    },
    "traffic.all.proxy.no_proxy": f"{PROXY}::test_hosts_of_no_proxy_are_called_without_the_proxy",
    "traffic.all.share_queries": f"{TRAFFIC}::test_a_query_in_flight_is_not_sent_again",
    "traffic.all.longest_retry_after": LEFT_ALONE,
    "traffic.all.connect_timeout": f"{TRAFFIC}::test_a_connection_has_a_time_limit_of_its_own",
    "traffic.all.client_certificate": f"{TRAFFIC}::test_the_router_presents_its_client_certificate",
    "traffic.all.client_key": f"{TRAFFIC}::test_the_router_presents_its_client_certificate",
    "traffic.all.server_name": SERVER_NAMES,
    "traffic.all.server_identity": SERVER_NAMES,
    **{
        key.path: f"{TRAFFIC}::{test}"
        for section, test in {
            "retry": "test_a_failed_query_is_sent_again_if_the_settings_say_so",
            "breaker": "test_a_subgraph_that_fails_gets_no_requests_for_a_while",
            "hedge": "test_a_slow_query_is_sent_twice",
            "shedding": "test_requests_at_once_are_adapted_to_the_subgraph",
            "ejection": "test_several_servers_share_the_requests_and_a_failing_one_is_ejected",
        }.items()
        for key in keys()
        if key.is_leaf and key.path.startswith(f"traffic.all.{section}.")
    },
    **{key.path: OWN_TRAFFIC for key in keys() if key.is_leaf and key.path.startswith("traffic.subgraphs.<name>.")},
    **{
        f"signatures.{scope}.{key}": f"{SIGNING}::{test}"
        for key, test in {
            "key.secret": "test_requests_are_signed_with_the_secret_of_the_settings",
            "key.private_key": "test_requests_are_signed_with_a_private_key",
            "key.id": "test_a_key_may_have_an_id_of_its_own",
            "lifetime": "test_a_signature_has_a_lifetime",
            "headers": "test_a_signature_covers_the_headers_of_the_settings",
        }.items()
        for scope in ("all", "subgraphs.<name>")
    },
    **{f"limits.{name}": HTTP_LIMITS for name in ("body_bytes", "url_bytes", "header_bytes", "header_count")},
    **{f"limits.{name}": TEXT_LIMITS for name in ("tokens", "recursion")},
    **{
        f"limits.{name}": OPERATION_LIMITS
        for name in ("depth", "fields", "height", "aliases", "directives", "root_fields", "operation_name_length")
    },
    "limits.batch_size": f"{ROUTER}/server/test_batching.py::test_a_batch_has_a_size",
    "limits.list_items": f"{ROUTER}/policies/test_limit_list_items.py::test_the_limit_is_a_setting",
    "limits.introspection_depth": f"{GATEWAY}::test_introspection_has_a_depth_of_its_own",
    "limits.measure": f"{ROUTER}/policies/test_limit_checker.py::test_a_measured_limit_refuses_nothing_and_counts",
    "errors.allow_codes": ALLOWED,
    "errors.allow_extensions": ALLOWED,
    "errors.mask": f"{MASKING}::test_without_masking_everything_but_the_detail_is_shown",
    "errors.messages": f"{MASKING}::test_a_code_with_a_message_of_its_own_survives_without_the_words_of_the_subgraph",
    "errors.message": f"{MASKING}::test_the_replacing_message_is_configurable",
    "errors.subgraphs.<name>.allow_codes": ALLOWED_ONE,
    "errors.subgraphs.<name>.allow_extensions": ALLOWED_ONE,
    "errors.transport_codes.unreachable": TRANSPORT_CODES,
    "errors.transport_codes.timeout": TRANSPORT_CODES,
    "errors.transport_codes.malformed": TRANSPORT_CODES,
    "errors.status": f"{ROUTER}/server/test_choose_http_status.py::test_a_code_decides_where_there_is_no_data",
    "cors.enabled": f"{ROUTER}/server/test_cors.py::test_no_page_may_read_responses_by_default",
    "cors.origins": f"{ROUTER}/server/test_cors.py::test_another_page_may_not",
    "cors.origin_patterns": f"{ROUTER}/server/test_cors.py::test_an_origin_may_match_a_pattern",
    "cors.allow_private_network": f"{ROUTER}/server/test_cors.py::test_private_networks_are_a_setting",
    "cors.loopback": f"{ROUTER}/server/test_cors.py::test_pages_of_this_machine_are_a_setting",
    "cors.allow_headers": PREFLIGHT,
    "cors.expose_headers": PAGES,
    "cors.allow_credentials": PREFLIGHT,
    "cors.max_age": PREFLIGHT,
    **{
        f"cors.paths.<name>.{name}": f"{ROUTER}/server/test_cors.py::test_a_path_can_have_other_origins"
        for name in ("origins", "origin_patterns")
    },
    "csrf.enabled": CSRF,
    "csrf.required_headers": CSRF,
    "compression.enabled": COMPRESSION,
    "compression.minimum_bytes": COMPRESSION,
    "compression.encodings": COMPRESSION,
    "apq.enabled": f"{DOCUMENTS}::test_a_document_is_registered_with_its_hash_and_then_run_by_the_hash",
    "apq.entries": f"{DOCUMENTS}::test_the_memory_for_documents_is_limited",
    "apq.text_bytes": f"{DOCUMENTS}::test_the_memory_for_documents_is_limited",
    "apq.redis.url": f"{DOCUMENTS}::test_routers_share_documents_in_redis",
    "apq.redis.timeout": f"{ROUTER}/storage/test_stores.py::test_a_redis_that_hangs_costs_one_timeout",
    "apq.redis.ttl": STORED,
    "apq.redis.prefix": STORED,
    "persisted_documents.mode": f"{DOCUMENTS}::test_the_mode_decides_about_unlisted_documents",
    "persisted_documents.manifests": f"{DOCUMENTS}::test_a_listed_document_runs_by_its_id_in_every_mode",
    "persisted_documents.parameters": IDS,
    "persisted_documents.extension": IDS,
    "persisted_documents.url_path": IDS,
    **{
        f"persisted_documents.shared_cache.{key}": (
            f"{ROUTER}/policies/test_shared_cache_control.py::test_the_settings_switch_it_on_and_add_times_and_headers"
        )
        for key in ("enabled", "default_max_age", "vary")
    },
    "batching.enabled": f"{ROUTER}/server/test_batching.py::test_it_is_off_by_default",
    "planner.batch_entity_fetches": f"{GATEWAY}::test_fetches_of_one_stage_share_a_request_unless_the_settings_say_no",
    "planner.lift_literals": f"{LITERALS}::test_without_the_setting_each_value_has_its_plan",
    "planner.work": f"{GATEWAY}::test_planning_ends_where_the_settings_say",
    "planner.deadline": f"{GATEWAY}::test_planning_ends_where_the_settings_say",
    "cache.documents": KEPT,
    "cache.plans": KEPT,
    "cache.folder": f"{ROUTER}/lifecycle/test_supergraph_cache.py::test_the_router_uses_the_configured_folder",
    "cache.memory_bytes": KEPT,
    "cache.compiled_plans": f"{COMPILED}::test_the_number_of_compiled_plans_is_limited",
    "execution.compile_plans": f"{COMPILED}::test_plans_are_compiled_if_the_settings_say_so",
}


@cache
def source(file: str) -> str:
    return (ROOT / file).read_text(encoding="utf-8")


@cache
def names_in(file: str) -> frozenset[str]:
    tree = ast.parse(source(file))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_every_key_has_a_test_and_every_test_a_key() -> None:
    assert set(TESTS) == {key.path for key in keys() if key.is_leaf}


@pytest.mark.parametrize("key", TESTS)
def test_the_test_is_there_and_sets_the_key(key: str) -> None:
    file, _, name = TESTS[key].partition("::")
    assert name in names_in(file)
    assert key.rpartition(".")[2] in source(file)


OTHER: dict[str, object] = {
    "timeout": "7s",
    "max_connections": 7,
    "max_waiting": 8,
    "idle_timeout": "7s",
    "max_response_bytes": 7,
    "certificate_authority": "own.pem",
    "accept_encodings": ["gzip"],
    "share_queries": "all",
    "longest_retry_after": "7s",
    "connect_timeout": "7s",
    "client_certificate": "own.pem",
    "client_key": "own.pem",
    "server_name": "own.example",
    "server_identity": "spiffe://own/people",
    "retry": "{enabled: true, attempts: 7, wait: 7s, longest_wait: 7s, budget: 7}",
    "breaker": "{enabled: true, failures: 7, minimum_requests: 7, window: 7s, open_time: 7s, probes: 7}",
    "hedge": "{enabled: true, percentile: 7, shortest_wait: 7s, budget: 7}",
    "shedding": "{enabled: true, initial: 7, smallest: 7, largest: 7, tolerance: 7}",
    "proxy": "{url: 'http://p', username: u, password: p, no_proxy: [a]}",
    "ejection": "{failures: 7, time: 7s, longest_time: 7s}",
}


@pytest.mark.parametrize("name", SubgraphTraffic.model_fields)
def test_each_key_of_one_subgraphs_traffic_is_its_own(name: str) -> None:
    traffic = read(f"traffic: {{subgraphs: {{people: {{{name}: {OTHER[name]}}}}}}}", {}).traffic
    expected = read(f"traffic: {{all: {{{name}: {OTHER[name]}}}}}", {}).traffic.all
    assert traffic.of("people") == expected != AllTraffic()
    assert traffic.of("orders") == AllTraffic()
