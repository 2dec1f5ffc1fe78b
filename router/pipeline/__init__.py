"""Defines the stages of a request (`Stage`), calls these stages, and executes the plan of the request.

The policies in `router/policies` are stages. A program that embeds the router can add further stages. Read `stage`,
`request_context`, `stage_chain`, `plan_execution`, then `finish_mutations_after_disconnect`, `failure_responses` and
`error_formatting`.
"""

from router.pipeline.request_context import RequestContext
from router.pipeline.stage import RunOn, SendOn, Stage
from router.preparation.operation_seen_by_stages import Operation

__all__ = ["Operation", "RequestContext", "RunOn", "SendOn", "Stage"]
