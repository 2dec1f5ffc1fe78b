"""`logging`: what log lines contain, and which requests have one."""

# ruff: noqa: TC001  (pydantic evaluates the annotations of its models at run time)

from __future__ import annotations

from pydantic import Field

from router.settings.section import Section
from router.settings.types import Count, Duration


class RequestLines(Section):
    """Which requests have a log line."""

    one_in: Count = 1
    """Of the requests that are answered in time and without errors, one in this number has a log line, chosen by
    chance. The line has `sampled_one_in` with this number. Requests with errors, refused requests, slow requests and
    requests beyond a limit in measure mode always have a line. `/status` has the number of lines that were not written
    (`log.skipped`)."""
    slow: Duration = 1.0
    """A request that takes this time or longer always has a log line."""


class Logging(Section):
    """What log lines contain."""

    redact_tag: str = Field("pii", min_length=1)
    """The name of the `@tag` that marks personal data. Log lines do not contain the values of fields and arguments with
    this tag."""
    requests: RequestLines = RequestLines.model_construct()
    """Which requests have a log line."""
