"""The router's configuration: `router.yaml` and the environment in, one frozen typed value out."""

from __future__ import annotations

from .file import load, read
from .model import RouterSettings
from .problems import InvalidSettings, Problem

__all__ = ["InvalidSettings", "Problem", "RouterSettings", "load", "read"]
