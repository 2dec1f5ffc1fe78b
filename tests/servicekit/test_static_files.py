"""Files over HTTP: entity tags, content codings, HEAD, and a version that changes with the files."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any

import pytest

from servicekit.accept import preferred_coding
from servicekit.static_files import IMMUTABLE, StaticFile, StaticFolder

if TYPE_CHECKING:
    from pathlib import Path

    from servicekit.asgi import Message

TEXT = b"body { color: black }\n" * 100


async def send(file: StaticFile, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    sent: list[Message] = []

    async def keep(message: Message) -> None:
        sent.append(message)

    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope: dict[str, Any] = {"type": "http", "method": method, "headers": raw}
    status = await file.send(scope, keep, IMMUTABLE, ((b"x-more", b"1"),))
    start, body = sent
    assert start["status"] == status
    return status, {name.decode(): value.decode() for name, value in start["headers"]}, body["body"]


async def test_a_file_has_its_headers() -> None:
    status, headers, body = await send(StaticFile(TEXT, "text/css"))
    assert (status, body) == (200, TEXT)
    assert headers["content-type"] == "text/css"
    assert headers["content-length"] == str(len(TEXT))
    assert (headers["vary"], headers["x-more"], headers["cache-control"]) == (
        "accept-encoding",
        "1",
        IMMUTABLE.decode(),
    )
    assert "content-encoding" not in headers


@pytest.mark.parametrize("tags", ["{}", '"other", {}', "*"])
async def test_a_current_copy_is_not_sent_again(tags: str) -> None:
    file = StaticFile(TEXT, "text/css")
    status, headers, body = await send(file, if_none_match=tags.format(file.etag))
    assert (status, body, headers["etag"]) == (304, b"", file.etag)
    assert (await send(file, if_none_match='W/"other"'))[0] == 200


async def test_a_strong_tag_of_a_proxy_matches_too() -> None:
    file = StaticFile(TEXT, "text/css")
    assert (await send(file, if_none_match=file.etag.removeprefix("W/")))[0] == 304


async def test_a_file_is_compressed_once() -> None:
    calls: list[int] = []

    def encode(body: bytes) -> bytes:
        calls.append(len(body))
        return gzip.compress(body)

    file = StaticFile(TEXT, "text/css", {"gzip": encode})
    for _ in range(3):
        _, headers, body = await send(file, accept_encoding="gzip, br")
        assert headers["content-encoding"] == "gzip"
        assert gzip.decompress(body) == TEXT
    assert len(calls) == 1


@pytest.mark.parametrize(("content", "content_type"), [(b"short", "text/css"), (bytes(5_000), "image/png")])
async def test_what_does_not_gain_is_not_compressed(content: bytes, content_type: str) -> None:
    _, headers, _ = await send(StaticFile(content, content_type), accept_encoding="gzip")
    assert "content-encoding" not in headers


async def test_head_has_no_body() -> None:
    status, headers, body = await send(StaticFile(TEXT, "text/css"), "HEAD")
    assert (status, headers["content-length"], body) == (200, str(len(TEXT)), b"")


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        (None, None),
        ("gzip", "gzip"),
        ("gzip, br", "br"),
        ("gzip;q=1, br;q=0.5", "gzip"),
        ("*", "br"),
        ("gzip;q=0", None),
        ("identity, gzip;q=0.5", None),
        ("zstd", None),
    ],
)
def test_the_client_chooses_the_coding(accepted: str | None, expected: str | None) -> None:
    assert preferred_coding(accepted, ("br", "gzip")) == expected


def test_the_version_of_a_folder_changes_with_its_files(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "a.css").write_bytes(TEXT)
    (tmp_path / "secret.py").write_text("no")
    first = StaticFolder(tmp_path)
    assert list(first.files) == ["inner/a.css"]
    assert StaticFolder(tmp_path).version == first.version
    (tmp_path / "inner" / "a.css").write_bytes(TEXT + b"/**/")
    assert StaticFolder(tmp_path).version != first.version
