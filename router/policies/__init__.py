"""Policies: what an operator allows clients and subgraphs. Each policy is a stage of the pipeline.

`policy_order` makes the stages of a gateway from settings and a supergraph (`policy_inputs`). Read `policy_order`,
the list of all policies, then the policies: `persisted_documents` (with `persisted_manifest`), `apq`, `limits_stage`
(with `limit_checker`, `document_size`, `operation_size`), `override_labels`, `header_propagation`, `error_masking`,
`log_redaction`.
"""
