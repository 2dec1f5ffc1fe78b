"""Turns fetch groups into the tree of plan nodes.

`response_parts` splits the groups into the initial and the deferred parts of the response, `batching` puts entity
fetches into one request, `sequence_and_parallel` orders the fetches of a part.
"""
