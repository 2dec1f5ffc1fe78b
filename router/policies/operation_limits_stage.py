"""The pipeline stage that checks documents with a `LimitChecker`: once before parsing, once before validation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.pipeline.stage import Stage

if TYPE_CHECKING:
    from router.pipeline.request_context import RequestContext
    from router.policies.limit_checker import LimitChecker
    from router.policies.policy_setup import PolicySetup
    from router.preparation.read_and_cache_documents import Document, DocumentFindings, ParsedDocument


class OperationLimits(Stage):
    """Checks each document that is not in the cache yet."""

    def __init__(self, checker: LimitChecker) -> None:
        self._checker = checker

    @classmethod
    def configured(cls, inputs: PolicySetup) -> OperationLimits:
        """Return the stage. It is always needed, because the limits `tokens` and `recursion` cannot be switched off."""
        measured = inputs.settings.limits.measure
        return MeasuredOperationLimits(inputs.limits) if measured else OperationLimits(inputs.limits)

    def check_text(self, text: str, findings: DocumentFindings) -> None:
        """Check the text of a document. Add to `findings` the limits in measure mode that the text exceeds."""
        findings.exceeds += self._checker.check_text(text)

    def check_parsed(self, document: ParsedDocument, findings: DocumentFindings) -> None:
        """Check the operations of a document. Add to `findings` the limits in measure mode that they exceed."""
        findings.exceeds += self._checker.check_document(document.ast)


class MeasuredOperationLimits(OperationLimits):
    """The stage that is used if at least one limit is in measure mode.

    A request above such a limit is counted, but not refused. The request is counted even if its document is cached and
    therefore not checked again.
    """

    async def on_document(self, context: RequestContext, document: Document) -> None:
        """If the document was in the cache, count the request. Otherwise, the checks have already counted it."""
        if context.record.document_cached:
            self._checker.count(document.exceeds)
