from __future__ import annotations

import pytest

from servicekit.http_url import SplitHttpUrl, split_http_url


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://h", SplitHttpUrl(False, "h", 80, "h", "/")),
        ("https://h/graphql", SplitHttpUrl(True, "h", 443, "h", "/graphql")),
        ("http://H:8080/a?b=c#d", SplitHttpUrl(False, "h", 8080, "H:8080", "/a?b=c")),
        ("http://[::1]:80", SplitHttpUrl(False, "::1", 80, "[::1]:80", "/")),
    ],
)
def test_a_url_is_split_for_a_request(text: str, expected: SplitHttpUrl) -> None:
    assert split_http_url(text) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("h/graphql", "absolute"),
        ("ftp://h", "absolute"),
        ("http:///graphql", "absolute"),
        ("http://u:p@h", "credentials"),
        ("http://h:0", "port"),
        ("http://h:65536", "port"),
        ("http://h:x", "port"),
    ],
)
def test_an_unusable_url_is_refused_without_repeating_it(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as raised:
        split_http_url(text)
    assert text not in str(raised.value)
