"""The base class of the sections of `router.yaml`, and their number types."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _no_boolean(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("Input should be a number, not true or false")  # noqa: TRY004  (what pydantic collects)
    return value


IsNumber = BeforeValidator(_no_boolean)
"""For numbers: in Python, and so in pydantic, `true` is a number, and `workers: true` would mean one worker."""

Count = Annotated[int, Field(gt=0), IsNumber]
Port = Annotated[int, Field(ge=0, le=65535), IsNumber]
"""0 means a free port."""
Percentage = Annotated[float, Field(ge=0, le=100), IsNumber]


class Section(BaseModel):
    """A section: frozen, without unknown keys; the docstring below a key is its description.

    Errors do not show values, which may be secret.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        regex_engine="python-re",
        use_attribute_docstrings=True,
    )
