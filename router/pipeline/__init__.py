"""The pipeline of a request: the interface of a stage (`Stage`), and the code that calls the stages.

The pipeline turns a request into a response. The policies in `router/policies` are stages; a program that embeds the
router can add its own. Read `stage`, `request_context`, `stage_chain`, `plan_execution`, then `running_mutations`,
`failure_responses` and `error_formatting`.
"""

from router.pipeline.request_context import RequestContext
from router.pipeline.stage import RunOn, SendOn, Stage
from router.preparation.request_operation import Operation

__all__ = ["Operation", "RequestContext", "RunOn", "SendOn", "Stage"]
