"""The pipeline of a request: the protocol of its stages, and what runs them.

A request and the gateway's stages come in, a response goes out. Policies (`router/policies`) and an embedding program's
code are stages. Read `stage`, `context`, `chain`, `execution`, then `mutations`, `failures` and
`error_entries`.
"""

from router.pipeline.context import RequestContext
from router.pipeline.stage import RunOn, SendOn, Stage
from router.preparation.operations import Operation

__all__ = ["Operation", "RequestContext", "RunOn", "SendOn", "Stage"]
