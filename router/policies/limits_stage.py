"""The pipeline stage that checks documents with a `LimitChecker`, before they are parsed and validated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.pipeline.stage import Stage

if TYPE_CHECKING:
    from router.pipeline.request_context import RequestContext
    from router.policies.limit_checker import LimitChecker
    from router.policies.policy_inputs import PolicyInputs
    from router.preparation.document_cache import Document, DocumentFindings, ParsedDocument


class OperationLimits(Stage):
    """Checks each document once, when it is not cached yet."""

    def __init__(self, watch: LimitChecker) -> None:
        self._watch = watch

    @classmethod
    def configured(cls, inputs: PolicyInputs) -> OperationLimits:
        """Return the stage, never None: the limits of a document's text are always on."""
        measured = inputs.settings.limits.measure
        return MeasuredOperationLimits(inputs.limits) if measured else OperationLimits(inputs.limits)

    def check_text(self, text: str, findings: DocumentFindings) -> None:
        """See `LimitChecker.check_text`."""
        findings.exceeds += self._watch.check_text(text)

    def check_parsed(self, document: ParsedDocument, findings: DocumentFindings) -> None:
        """See `LimitChecker.check_document`."""
        findings.exceeds += self._watch.check_document(document.ast)


class MeasuredOperationLimits(OperationLimits):
    """`OperationLimits` that also counts requests whose document is cached and exceeds a limit in measure mode."""

    async def on_document(self, context: RequestContext, document: Document) -> None:
        """Count the request if its document was cached; otherwise the check has counted the request."""
        if context.record.document_cached:
            self._watch.count(document.exceeds)
