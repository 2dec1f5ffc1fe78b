"""What the sections of `router.yaml` have in common."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(gt=0)]


class Section(BaseModel):
    """Frozen, closed to unknown keys, silent about values (they may be secret); a key's text is its description."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        regex_engine="python-re",
        use_attribute_docstrings=True,
    )
