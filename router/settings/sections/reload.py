"""`reload`: when the router reads changed files again."""

# ruff: noqa: TC001  (pydantic evaluates the annotations of its models at run time)

from __future__ import annotations

from router.settings.section import Section
from router.settings.types import Duration


class Reload(Section):
    """When the router reads changed files again. SIGHUP and the admin port cause a reload independently of these keys.

    If the new files cannot be used, the router logs the reason and continues with its present configuration.
    """

    watch: bool = True
    """Whether a change of the supergraph file or of this file causes a reload."""
    watch_interval: Duration = 1.0
    """Time between two checks of the files."""
