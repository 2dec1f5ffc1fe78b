from __future__ import annotations

import pytest

from router.printable_text import printable


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain text\twith a tab", "plain text\twith a tab"),
        ("日本 é", "日本 é"),
        ("\x1b[2J", "\N{REPLACEMENT CHARACTER}[2J"),
        ("a\nb\u2028c", "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}c"),
        ("\N{RIGHT-TO-LEFT OVERRIDE}x", "\N{REPLACEMENT CHARACTER}x"),
        ("\ud800", "\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_characters_that_control_the_terminal_are_replaced(text: str, expected: str) -> None:
    assert printable(text) == expected
