"""`query_plan`: whether a client can see the query plan of its operation."""

from __future__ import annotations

from router.settings.section import Section


class QueryPlanInResponses(Section):
    """Whether a client can see the query plan of its operation."""

    in_responses: bool = False
    """Whether a request with the header `Query-Plan: include` gets the plan of its operation in
    `extensions.queryPlan`, with the time of each request to a subgraph. The plan names subgraphs and their fields. In
    development, a missing key means `true`."""
