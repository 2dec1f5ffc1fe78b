"""`execution`: how plans are executed."""

from __future__ import annotations

from router.settings.section import Section


class ExecutionSettings(Section):
    """How plans are executed."""

    compile_plans: bool = False
    """Whether plans that are used often are compiled: the router generates code that decodes the responses of subgraphs
    into the objects of one operation. A response that does not have the expected shape, for example one with errors, is
    processed without this code, with the same result."""
