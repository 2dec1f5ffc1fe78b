"""The files that belong to the platform and not to one package: the composed supergraph and the router's configuration.

In a checkout, these files are in the top folder, where people edit them. A wheel has copies of the files beside this
module.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

SUPERGRAPH: Final = "supergraph.graphql"
ROUTER_CONFIG: Final = "router.yaml"

_CHECKOUT: Final = Path(__file__).parent.parent
_IN_WHEEL: Final = Path(__file__).parent / "platform_files"


def platform_file(name: str) -> Path:
    """Return the path of `SUPERGRAPH` or `ROUTER_CONFIG`, whatever the working directory is."""
    packaged = _IN_WHEEL / name
    return packaged if packaged.exists() else _CHECKOUT / name
