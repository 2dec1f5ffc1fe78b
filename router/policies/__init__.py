"""The policies of the router: stages of the pipeline that apply the operator's rules to clients and subgraphs.

Begin with `policy_order`. It lists all policies, and makes their stages from the settings and the supergraph
(`policy_setup`). Then read the policies in this order:

- which client sends what: `usage_recording`, `rate_limits`, `authentication`
- documents: `persisted_documents` (with `read_persisted_manifests`) and `apq`
- limits: `operation_limits_stage` (with `limit_checker`, `count_tokens_before_parsing` and `measure_operation_size`),
  `limit_list_items` and `demand_control` (both use `read_conditions_and_list_sizes`)
- execution: `authorization`, `idempotency`, `active_override_labels`, `header_propagation` and `operation_sharing`
- responses and logs: `response_headers`, `error_masking`, `hide_schema_names_in_errors`, `redact_personal_data_in_logs`
  and `query_plan_in_response`
"""
