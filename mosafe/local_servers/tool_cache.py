"""The folder outside the tree into which `make tools` puts what is too heavy for a package."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

TOOL_CACHE: Final = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mosafe" / "tools"
