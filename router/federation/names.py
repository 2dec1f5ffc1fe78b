"""Names that GraphQL gives to fields of every schema."""

from __future__ import annotations

from typing import Final

TYPENAME: Final = "__typename"
