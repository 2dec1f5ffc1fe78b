"""What a head may say (RFC 9112)."""

from __future__ import annotations

import pytest

from servicekit.http_head import SINGLE_FIELDS, HeadRefused, Target, check_fields, parse_target

HOST = (b"host", b"x")


@pytest.mark.parametrize(
    "hosts",
    [
        pytest.param([], id="none"),
        pytest.param([b"x", b"x"], id="two"),
        *(
            pytest.param([value], id=repr(value))
            for value in (b"", b"a b", b"x/y", b"u@x", b"x:y", b"http://x", b"[::1", b"x:123456", b"\xc3\xa9", b"x, y")
        ),
    ],
)
def test_a_request_without_one_valid_host_is_refused(hosts: list[bytes]) -> None:
    """HTTP/1.1 without Host or with two was answered with 200 (RFC 9112 §3.2)."""
    with pytest.raises(HeadRefused):
        check_fields("1.1", [(b"host", value) for value in hosts])


@pytest.mark.parametrize("host", [b"x", b"bank.example:4000", b"127.0.0.1:1", b"[::1]:4000", b"a_b", b"x:"])
def test_valid_hosts(host: bytes) -> None:
    check_fields("1.1", [(b"host", host)])


def test_http_1_0_needs_no_host() -> None:
    check_fields("1.0", [])


@pytest.mark.parametrize("version", ["0.9", "2.0", "1.2", "9.9"])
def test_other_versions_are_refused(version: str) -> None:
    with pytest.raises(HeadRefused):
        check_fields(version, [HOST])


@pytest.mark.parametrize("name", sorted(SINGLE_FIELDS))
def test_fields_with_one_value_are_not_given_twice(name: bytes) -> None:
    value = b"chunked" if name == b"transfer-encoding" else b"1"
    twice = [HOST, *((name, value) for _ in range(2 if name != b"host" else 1))]
    with pytest.raises(HeadRefused, match=f"(?i){name.decode()} is given twice"):
        check_fields("1.1", twice)


@pytest.mark.parametrize("value", [b"gzip", b"gzip, chunked", b"chunked, chunked", b"identity", b"", b"chunked;a=b"])
def test_transfer_codings_other_than_chunked_are_refused(value: bytes) -> None:
    with pytest.raises(HeadRefused):
        check_fields("1.1", [HOST, (b"transfer-encoding", value)])


def test_http_1_0_has_no_transfer_codings() -> None:
    with pytest.raises(HeadRefused):
        check_fields("1.0", [(b"transfer-encoding", b"chunked")])


@pytest.mark.parametrize(
    ("method", "target", "parsed"),
    [
        ("GET", b"/a?b", Target(b"/a?b", None)),
        ("OPTIONS", b"*", Target(b"*", None)),
        ("GET", b"http://x", Target(b"/", b"x")),
        ("GET", b"HTTPS://x:1/a?b", Target(b"/a?b", b"x:1")),
        ("GET", b"http://x?b", Target(b"/?b", b"x")),
    ],
)
def test_targets(method: str, target: bytes, parsed: Target) -> None:
    assert parse_target(method, target) == parsed


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", b"*"),
        ("GET", b"x:80"),
        ("CONNECT", b"x:80"),
        ("GET", b"/a#b"),
        ("GET", b"ftp://x/"),
        ("GET", b"http:///a"),
        ("GET", b"http://u@x/a"),
        ("GET", b"a"),
        ("GET", b""),
    ],
)
def test_other_targets_are_refused(method: str, target: bytes) -> None:
    with pytest.raises(HeadRefused):
        parse_target(method, target)


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ([HOST], b""),
        ([HOST, (b"content-length", b"00")], b""),
        ([HOST, (b"content-length", b"10")], b"content-length: 10"),
        ([HOST, (b"transfer-encoding", b"chunked")], b"transfer-encoding: chunked"),
    ],
)
def test_the_line_that_says_how_long_the_body_is(fields: list[tuple[bytes, bytes]], line: bytes) -> None:
    assert check_fields("1.1", fields) == line
