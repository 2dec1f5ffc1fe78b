"""The base class of the sections of `router.yaml`."""

from __future__ import annotations

from router.strict_model import StrictModel


class Section(StrictModel):
    """The base class of a section of `router.yaml`. A section is immutable and refuses unknown keys."""
