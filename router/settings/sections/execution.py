"""`execution`: how plans are executed."""

from __future__ import annotations

from router.settings.section import Section


class ExecutionSettings(Section):
    """How plans are executed."""

    compile_plans: bool = True
    """Whether plans that are used often are compiled. For a compiled plan, the router generates code that decodes the
    responses of subgraphs. A response of another shape, for example with errors, is processed without this code, with
    the same result."""
