"""`execution`: how plans are executed."""

from __future__ import annotations

from router.settings.section import Section


class ExecutionSettings(Section):
    """How plans are executed."""

    compile_plans: bool = False
    """Whether plans that are used often are compiled: the router generates code that decodes the responses of subgraphs
    into the objects of one operation. If a response does not have the expected shape, for example because it has
    errors, it is processed without this code. The result is the same."""
