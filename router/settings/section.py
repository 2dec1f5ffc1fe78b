"""The base class of the sections of `router.yaml`."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """The base class of a section. Sections are immutable and have no unknown keys.

    The docstring below a key is its description. Errors do not contain values, which may be secret.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        regex_engine="python-re",
        use_attribute_docstrings=True,
    )
