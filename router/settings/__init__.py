"""The router's configuration: `router.yaml` and the environment in, one frozen typed value out."""

from __future__ import annotations

from router.settings.errors import InvalidSettings, Problem
from router.settings.load import load, read
from router.settings.model import RouterSettings

__all__ = ["InvalidSettings", "Problem", "RouterSettings", "load", "read"]
