"""Remove secrets from URLs, so that messages can name the URLs."""

from __future__ import annotations


def without_secrets(url: str) -> str:
    """Return the URL without credentials and without the query, which may contain tokens."""
    # The import takes a fifth of a second, and most compositions and checks use no URL.
    import httpx  # noqa: PLC0415

    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, UnicodeError):
        return url.rpartition("@")[2].partition("?")[0]
    return str(parsed.copy_with(userinfo=b"", query=None))
