"""The router's configuration: reads `router.yaml` and the environment into one frozen `RouterSettings`.

`model` lists the sections, one file each in `sections/`, with the base class in `section` and the value types in
`types`. `load` reads a file and reports every mistake in it (`errors`, `validation_messages`). `reference_page`,
`json_schema` and `starter_file` generate documents from the model; `all_keys` lists its keys for them.
"""

from __future__ import annotations

from router.settings.errors import InvalidSettings, Problem
from router.settings.load import load, read
from router.settings.model import RouterSettings

__all__ = ["InvalidSettings", "Problem", "RouterSettings", "load", "read"]
