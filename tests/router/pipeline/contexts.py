"""Contexts of requests, for tests of single stages."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from router.pipeline import RequestContext
from router.preparation.read_and_cache_documents import Document
from router.request.log_fields import RequestRecord

if TYPE_CHECKING:
    from router.pipeline import Stage
    from router.request.request_and_response import GraphQLRequest

DOCUMENT = Document(ast=None, text="", hash="")  # type: ignore[arg-type]  # stages of documents look at the request


def context_of(request: GraphQLRequest) -> RequestContext:
    """The context of a request that has just arrived, without a deadline."""
    return RequestContext(
        received=request, request=request, deadline=math.inf, record=RequestRecord(), variables=request.variables
    )


async def resolved(stage: Stage, request: GraphQLRequest) -> GraphQLRequest:
    """The request with which a stage goes on."""
    given = await stage.on_request(context_of(request))
    return request if given is None else given  # type: ignore[return-value]  # no stage here responds by itself


async def accepted(stage: Stage, request: GraphQLRequest) -> None:
    """Give a stage a request whose document is valid."""
    context = context_of(request)
    context.request = await stage.on_request(context) or request  # type: ignore[assignment]  # as above
    await stage.on_document(context, DOCUMENT)
