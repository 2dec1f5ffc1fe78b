"""The policies of the router: each enforces what an operator allows clients or subgraphs, as a stage of the pipeline.

`policy_order` lists all policies, and makes the stages of a gateway from the settings and the supergraph
(`policy_inputs`). Read `policy_order`, then the policies: `persisted_documents` (with `persisted_manifest`), `apq`,
`limits_stage` (with `limit_checker`, `document_size`, `operation_size`), `override_labels`, `header_propagation`,
`error_masking`, `log_redaction`.
"""
