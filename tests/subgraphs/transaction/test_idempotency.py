from __future__ import annotations

import pytest

from subgraphs.transaction.idempotency import is_key


@pytest.mark.parametrize("key", ["a", "x" * 255, "!~", "7f9c-…"[:5]])
def test_visible_ascii_is_a_key(key: str) -> None:
    assert is_key(key)


@pytest.mark.parametrize("key", ["", "x" * 256, "a b", "a\n", "\x7f", "schlüssel", "٣"])
def test_other_text_is_not_a_key(key: str) -> None:
    assert not is_key(key)
