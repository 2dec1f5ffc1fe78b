"""`logging`: what log lines contain."""

from __future__ import annotations

from pydantic import Field

from router.settings.section import Section


class Logging(Section):
    """What log lines contain."""

    redact_tag: str = Field("pii", min_length=1)
    """The name of the `@tag` that marks personal data. Log lines do not contain the values of fields and arguments with
    this tag."""
