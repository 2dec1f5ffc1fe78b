"""Fetch groups in, the tree of plan nodes out: parts of the response (`deferral`), `batching`, order (`linearise`)."""
