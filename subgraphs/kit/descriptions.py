"""What is said of the elements that several subgraphs define: said once, so that the supergraph says it too."""

from __future__ import annotations

from typing import Final

QUERY: Final = "What can be asked of the bank."
MUTATION: Final = "What the bank can be told to do."
USER: Final = "A person known to the bank. Others see only `id` and `name`; any other field is refused to them."
ACCOUNT: Final = "An account. Its owner and staff see it; for anyone else it does not exist."
