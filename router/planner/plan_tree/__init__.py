"""Fetch groups in, the tree of plan nodes out: `deferral`, `batching`, `linearise`."""
