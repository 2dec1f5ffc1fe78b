"""The router's configuration: `router.yaml` and the environment in, one frozen `RouterSettings` out.

`model` lists the sections, one file each in `sections/`, made of `types` and `section`. `load` reads a file and reports
every mistake in it (`errors`, `error_messages`). `reference`, `schema` and `starter_file` are generated from the model
with the help of `key_paths`.
"""

from __future__ import annotations

from router.settings.errors import InvalidSettings, Problem
from router.settings.load import load, read
from router.settings.model import RouterSettings

__all__ = ["InvalidSettings", "Problem", "RouterSettings", "load", "read"]
