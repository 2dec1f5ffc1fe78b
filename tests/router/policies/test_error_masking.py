from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from router.errors import DOWNSTREAM_SERVICE_ERROR, ResponseError
from router.pipeline.error_formatting import error_entry
from router.policies.error_masking import TRANSPORT_MESSAGES, ErrorMasking
from router.settings import read


def masking(text: str = "") -> ErrorMasking:
    return ErrorMasking(read(f"errors: {{{text}}}", {}).errors)


def entries_of(masking: ErrorMasking, errors: list[ResponseError]) -> list[dict[str, object]]:
    """The entries of a response with these errors."""
    return [error_entry(error) for error in masking.apply(errors)]


LEAK = ResponseError(
    message="relation users does not exist at 10.0.0.7",
    code="SQL",
    path=("me", "accounts", 0),
    origin="auth",
    extensions={"stack": "secret", "serviceName": "auth"},
    detail="10.0.0.7:5432",
)


def test_what_a_subgraph_says_is_replaced_and_logged_under_the_same_id() -> None:
    with capture_logs() as lines:
        (entry,) = entries_of(masking(), [LEAK])
    extensions = entry["extensions"]
    assert isinstance(extensions, dict)
    error_id = extensions["errorId"]
    assert entry == {
        "message": "Unexpected error",
        "path": ["me", "accounts", 0],
        "extensions": {"code": DOWNSTREAM_SERVICE_ERROR, "errorId": error_id},
    }
    (line,) = lines
    assert line["error_id"] == error_id
    assert (line["subgraph"], line["cause"], line["detail"]) == ("auth", LEAK.message, LEAK.detail)


def test_the_replacing_message_is_configurable() -> None:
    assert entries_of(masking("message: Oops"), [LEAK])[0]["message"] == "Oops"


def test_copies_of_one_error_share_an_id_and_a_line_others_do_not() -> None:
    copies = [ResponseError(message="x", origin="a", path=("l", index)) for index in range(3)]
    other = ResponseError(message="y", origin="a")
    with capture_logs() as lines:
        entries = entries_of(masking(), [*copies, other])
    ids = [entry["extensions"]["errorId"] for entry in entries]  # type: ignore[index]  # JSON objects
    assert ids[0] == ids[1] == ids[2] != ids[3]
    assert len(lines) == 2


def test_an_allowed_code_passes_with_its_message_and_only_allowed_extensions() -> None:
    error = ResponseError(
        message="Log in first", code="UNAUTHENTICATED", origin="auth", path=("me",), extensions={"a": 1, "b": 2}
    )
    allowing = masking("allow_codes: [UNAUTHENTICATED], allow_extensions: [a]")
    with capture_logs() as lines:
        assert entries_of(allowing, [error]) == [
            {"message": "Log in first", "path": ["me"], "extensions": {"code": "UNAUTHENTICATED", "a": 1}}
        ]
    assert lines == []


def test_a_subgraph_may_be_allowed_more_than_the_others() -> None:
    allowing = masking("allow_codes: [A], subgraphs: {auth: {allow_codes: [B], allow_extensions: [k]}}")
    errors = [
        ResponseError(message=code, code=code, origin=origin, extensions={"k": 1})
        for origin in ("auth", "other")
        for code in ("A", "B")
    ]
    entries = entries_of(allowing, errors)
    assert [entry["message"] for entry in entries] == ["A", "B", "A", "Unexpected error"]
    assert entries[1]["extensions"] == {"code": "B", "k": 1}
    assert entries[2]["extensions"] == {"code": "A"}


@pytest.mark.parametrize("code", TRANSPORT_MESSAGES)
@pytest.mark.parametrize("text", ["", "allow_codes: [SUBREQUEST_HTTP_ERROR, GATEWAY_TIMEOUT]"])
def test_a_failed_fetch_keeps_its_code_and_names_no_service(code: str, text: str) -> None:
    error = ResponseError(
        message="connect to auth at 10.0.0.7 failed", code=code, origin="auth", extensions={"service": "auth"}
    )
    (entry,) = entries_of(masking(text), [error])
    assert entry["extensions"]["code"] == code  # type: ignore[index]  # a JSON object
    assert "auth" not in str(entry)
    assert "10.0.0.7" not in str(entry)


def test_the_routers_own_findings_pass_as_they_are() -> None:
    error = ResponseError(message="Cannot query field", code="GRAPHQL_VALIDATION_FAILED", locations=((1, 3),))
    assert entries_of(masking(), [error]) == [
        {
            "message": "Cannot query field",
            "locations": [{"line": 1, "column": 3}],
            "extensions": {"code": "GRAPHQL_VALIDATION_FAILED"},
        }
    ]


def test_without_masking_everything_but_the_detail_is_shown() -> None:
    (entry,) = entries_of(masking("mask: false"), [LEAK])
    assert entry == {
        "message": LEAK.message,
        "path": ["me", "accounts", 0],
        "extensions": {"code": "SQL", "stack": "secret", "serviceName": "auth", "service": "auth"},
    }


def transport_error(code: str, **extensions: object) -> ResponseError:
    return ResponseError(message="m", code=code, path=("me",), origin="auth", extensions=extensions, detail="10.0.0.7")


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("unreachable", "SUBREQUEST_HTTP_ERROR"),
        ("timeout", "GATEWAY_TIMEOUT"),
        ("malformed", "SUBREQUEST_MALFORMED_RESPONSE"),
    ],
)
@pytest.mark.parametrize("mask", ["true", "false"])
def test_each_transport_failure_has_the_code_that_is_configured_for_it(key: str, code: str, mask: str) -> None:
    (entry,) = entries_of(masking(f"mask: {mask}, transport_codes: {{{key}: OURS}}"), [transport_error(code)])
    assert entry["extensions"]["code"] == "OURS"  # type: ignore[index]  # JSON objects
    (entry,) = entries_of(masking(f"mask: {mask}"), [transport_error(code)])
    assert entry["extensions"]["code"] == code  # type: ignore[index]  # JSON objects


def test_how_long_to_wait_is_passed_on_and_nothing_else() -> None:
    error = transport_error("SUBREQUEST_HTTP_ERROR", retryAfter=3, http={"status": 503})
    extensions = entries_of(masking(), [error])[0]["extensions"]
    assert isinstance(extensions, dict)
    assert extensions == {"code": "SUBREQUEST_HTTP_ERROR", "errorId": extensions["errorId"], "retryAfter": 3}


@pytest.mark.parametrize(("code", "value"), [("SQL", 3), ("SUBREQUEST_HTTP_ERROR", "at 10.0.0.7")])
def test_a_subgraph_cannot_use_that_to_say_something_else(code: str, value: object) -> None:
    assert "retryAfter" not in str(entries_of(masking(), [transport_error(code, retryAfter=value)]))


def test_a_code_with_a_message_of_its_own_survives_without_the_words_of_the_subgraph() -> None:
    """Before, a subgraph's own SERVICE_UNAVAILABLE became DOWNSTREAM_SERVICE_ERROR, and REST made it a 500."""
    masked = masking("messages: {SERVICE_UNAVAILABLE: Try later}")
    error = transport_error("SERVICE_UNAVAILABLE", retryAfter=5, table="accounts")
    with capture_logs() as lines:
        (entry,) = entries_of(masked, [error])
    extensions = entry["extensions"]
    assert isinstance(extensions, dict)
    assert (entry["message"], entry["path"]) == ("Try later", ["me"])
    assert extensions == {"code": "SERVICE_UNAVAILABLE", "errorId": extensions["errorId"], "retryAfter": 5}
    assert [line["error_id"] for line in lines] == [extensions["errorId"]]
    assert entries_of(masked, [transport_error("SQL")])[0]["message"] == "Unexpected error"
