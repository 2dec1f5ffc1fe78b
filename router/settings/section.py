"""What the sections of `router.yaml` have in common."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _no_truth(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("Input should be a number, not true or false")  # noqa: TRY004  (what pydantic collects)
    return value


IsNumber = BeforeValidator(_no_truth)
"""For numbers: to Python, and so to pydantic, `true` is one of them, and `workers: true` would be one worker."""

Count = Annotated[int, Field(gt=0), IsNumber]
Port = Annotated[int, Field(ge=0, le=65535), IsNumber]
"""0 stands for a free one."""
Percentage = Annotated[float, Field(ge=0, le=100), IsNumber]


class Section(BaseModel):
    """Frozen, closed to unknown keys, silent about values (they may be secret); a key's text is its description."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        regex_engine="python-re",
        use_attribute_docstrings=True,
    )
