"""The base class of the parts of configuration files."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class StrictModel(BaseModel):
    """The base class of a part of a configuration file. A part is immutable and refuses unknown keys.

    The docstring below a key is the description of the key in generated documents. Error messages do not contain
    values, because a value may be secret.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        regex_engine="python-re",
        use_attribute_docstrings=True,
    )
