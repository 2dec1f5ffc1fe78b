"""The policies of the router. They are stages of the pipeline that apply the operator's rules to clients and subgraphs.

`policy_order` lists all policies, and makes the stages of a gateway from the settings and the supergraph
(`policy_inputs`). Read `policy_order`, then the policies: the package `authentication`, `persisted_documents` (with
`read_persisted_manifests`), `apq`, `limits_stage` (with `limit_checker`, `count_tokens_before_parsing`,
`measure_operation_size`), `limit_list_items`, the package `authorization`, `override_labels`, `header_propagation`,
`error_masking`, `hide_schema_names_in_errors`, `personal_data_redaction`, `query_plan_in_response`.
"""
