"""Records which operations clients send, for `router usage` and `router check --usage`. Off by default.

The stage only counts in memory (`router.usage.recorder`). If the store cannot be written, no request fails because of
it.
"""

from __future__ import annotations

import random
import time
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING

from router.pipeline.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router.pipeline.request_context import RequestContext
    from router.policies.policy_setup import PolicySetup
    from router.request.request_and_response import GraphQLResponse
    from router.settings.sections.usage import Usage

_STARTED = object()


class UsageRecording(Stage):
    """Counts each request whose operation is known, with its client and its duration."""

    def __init__(self, settings: Usage) -> None:
        self.settings = settings
        self._name_header, self._version_header = settings.client_name_header, settings.client_version_header
        self._one_in = settings.one_in
        # The store takes long to import, and most routers record nothing.
        from router.usage.open_store import open_store  # noqa: PLC0415
        from router.usage.recorder import RecorderLimits, UsageRecorder  # noqa: PLC0415

        self.recorder = UsageRecorder(
            partial(open_store, settings.location),
            RecorderLimits(
                flush_interval=settings.flush_interval,
                one_in=settings.one_in,
                operations=settings.waiting_operations,
                clients=settings.waiting_clients,
                stored_operations=settings.stored_operations,
                keep_days=settings.keep_days,
                keep_minutes_days=settings.keep_minutes_days,
            ),
        )
        self._is_handed_over = False

    @classmethod
    def configured(cls, inputs: PolicySetup) -> UsageRecording | None:
        """Return the stage, or None if `usage.enabled` is false."""
        settings = inputs.settings.usage
        return cls(settings) if settings.enabled else None

    def inherit(self, previous: Stage) -> None:
        """Take over the recorder of the stage that this stage replaces, if both have the same settings."""
        if isinstance(previous, UsageRecording) and previous.settings == self.settings:
            self.recorder = previous.recorder
            self.recorder.schema_changed()
            previous._is_handed_over = True  # noqa: SLF001  (an object of the same class)

    def status(self) -> Mapping[str, object]:
        """Return how many requests were recorded, how many were not, and why the last write failed."""
        return {"usage": asdict(self.recorder.status)}

    async def aclose(self) -> None:
        """Write all counts that are still in memory, unless another stage has taken over the recorder."""
        if not self._is_handed_over:
            await self.recorder.aclose()

    async def on_request(self, context: RequestContext) -> None:
        """Remember when the request began. With `usage.one_in`, do this only for the requests of the sample."""
        if self._one_in == 1 or random.random() * self._one_in < 1:  # noqa: S311  (a sample, not a secret)
            context.state[_STARTED] = time.perf_counter()

    async def on_response(self, context: RequestContext, response: GraphQLResponse) -> GraphQLResponse:
        """Count the request. A request without a valid operation is not counted."""
        started = context.state.pop(_STARTED, None)
        operation = context.operation
        if operation is not None and isinstance(started, float):
            request = context.request
            client = (request.headers.get(self._name_header), request.headers.get(self._version_header))
            seconds = time.perf_counter() - started
            failed = context.record.errors > 0
            self.recorder.record(operation, client, request.variables, seconds, failed=failed)
        return response
