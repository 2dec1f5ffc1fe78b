"""Turns fetch groups into the tree of plan nodes.

- `initial_and_deferred_parts` splits the groups into the initial part of the response and the deferred parts.
- `batch_entity_fetches` puts several entity fetches into one request.
- `sequence_and_parallel` orders the fetches of one part of the response.
"""
