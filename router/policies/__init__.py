"""Policies: what an operator allows clients and subgraphs. Each is a stage of the pipeline in a file of its own.

Settings and a supergraph come in (`inputs`), the stages of a gateway go out. Read `order`, the list of all policies,
then the policies: `persisted_documents` (with `persisted_manifest`), `apq`, `limits` (with `limit_watch`,
`document_size`, `operation_size`), `override_labels`, `headers`, `masking`, `log_redaction`.
"""
