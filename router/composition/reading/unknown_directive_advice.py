"""Give advice about a directive that a subgraph uses but does not define.

Usually, the author forgot to import a federation directive in the `@link`, or misspelt the name of a directive.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from router.federation.linked_specs import FEDERATION_IDENTITY
from router.federation.spec_versions import LATEST_FEDERATION, spec_version

if TYPE_CHECKING:
    from collections.abc import Iterable

    from router.federation.linked_specs import Links


def advice_on_unknown_directive(name: str, links: Links, known: Iterable[str]) -> str:
    """Return a sentence that says how to correct the unknown directive `name`. "" if there is no advice.

    `known` are the names of the directives that the schema defines.
    """
    latest = spec_version("federation", LATEST_FEDERATION)
    of_federation = set() if latest is None else set(latest.directives)
    federation = links.get(FEDERATION_IDENTITY)
    here = of_federation
    if federation is not None and federation.spec is not None:
        here = set(federation.spec.directives)
    if name in here and federation is not None:
        written = federation.directive_name(name)
        return f'Add "@{name}" to the "import" of the @link to {federation.url}, or write @{written}.'
    if name in of_federation and federation is not None:
        return f"{federation.url} does not have @{name}: link a newer version."
    if name in of_federation:
        url = f"{FEDERATION_IDENTITY}/{LATEST_FEDERATION}"
        return f'It is a directive of Federation 2: extend schema @link(url: "{url}", import: ["@{name}"]).'
    near = difflib.get_close_matches(name, sorted({*known, *here}), n=1, cutoff=0.75)
    if not near:
        return ""
    (meant,) = near
    further = "" if meant in known else f" {advice_on_unknown_directive(meant, links, known)}"
    return f"Did you mean @{meant}?{further}"
