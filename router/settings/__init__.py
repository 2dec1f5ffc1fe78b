"""The router's configuration: reads `router.yaml` and the environment into one frozen `RouterSettings`.

`model` defines the configuration as a list of sections. Each section is one file in `sections/`; `section` has the base
class, and `types` has the types of values. `load` reads a file and reports every mistake in the file (`errors`;
`keys_of_other_routers` knows the keys of other routers). `reference_page`, `json_schema` and
`starter_file` generate documents from the model; `all_keys` lists the keys of the model.
"""

from __future__ import annotations

from router.settings.errors import InvalidSettings, Problem
from router.settings.load import load, read
from router.settings.model import RouterSettings

__all__ = ["InvalidSettings", "Problem", "RouterSettings", "load", "read"]
