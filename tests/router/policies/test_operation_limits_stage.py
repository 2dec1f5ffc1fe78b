"""The limits of documents in the pipeline: found once, kept with the document, and counted for each request."""

from __future__ import annotations

import pytest
from graphql import parse

from router.errors import LimitExceeded
from router.policies.limit_checker import LimitChecker
from router.policies.operation_limits_stage import MeasuredOperationLimits, OperationLimits
from router.preparation.read_and_cache_documents import Document, DocumentFindings, ParsedDocument
from router.request.request_and_response import GraphQLRequest
from router.settings.sections.limits import Limits
from tests.router.pipeline.contexts import context_of

QUERY = "{ a { b } }"


def test_findings_of_text_and_selections_are_collected() -> None:
    stage, findings = (
        OperationLimits(LimitChecker(Limits(tokens=1, depth=1, measure=("tokens", "depth")))),
        DocumentFindings(),
    )
    stage.check_text(QUERY, findings)
    stage.check_parsed(ParsedDocument(parse(QUERY), trusted=False), findings)
    assert findings.exceeds == ["tokens", "depth"]


@pytest.mark.parametrize("trusted", [True, False])
def test_an_enforced_limit_refuses_the_document_whoever_sends_it(*, trusted: bool) -> None:
    stage = OperationLimits(LimitChecker(Limits(depth=1)))
    with pytest.raises(LimitExceeded):
        stage.check_parsed(ParsedDocument(parse(QUERY), trusted=trusted), DocumentFindings())


async def test_each_request_for_a_known_document_is_counted_once() -> None:
    watch = LimitChecker(Limits(measure=("depth",)))
    document = Document(ast=parse(QUERY), text=QUERY, hash="", exceeds=("depth",))
    context = context_of(GraphQLRequest(query=QUERY))
    await MeasuredOperationLimits(watch).on_document(context, document)
    assert watch.exceeded == {}, "it was counted when the document was checked"
    context.record.document_cached = True
    await MeasuredOperationLimits(watch).on_document(context, document)
    assert watch.exceeded == {"depth": 1}
