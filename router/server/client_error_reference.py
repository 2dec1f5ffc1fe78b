"""The reference of the error codes that clients of the router see, in Markdown: `docs/errors.md`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class ErrorCode(NamedTuple):
    """One value of `extensions.code`, with its explanation: what happened, and what the client or operator can do."""

    meaning: str
    advice: str


_RETRY: Final = "Send the request again later; respect `Retry-After`."
_SMALLER: Final = "Split the operation, or ask the operator to raise the limit"

HTTP_CODES: Final[Mapping[str, ErrorCode]] = {
    "BAD_REQUEST": ErrorCode(
        "The body or the query string is not a GraphQL request.", "The message names the parameter that is wrong."
    ),
    "BATCHING_NOT_ENABLED": ErrorCode(
        "The body is a list of operations.", "Send one operation, or set `batching.enabled`."
    ),
    "BATCH_LIMIT_EXCEEDED": ErrorCode(
        "The list has too many operations.", "Send several lists, or raise `limits.batch_size`."
    ),
    "CSRF_BLOCKED": ErrorCode(
        "A page of another site could have sent the request.",
        "Send `Content-Type: application/json`, or a header of `csrf.required_headers`.",
    ),
    "HEADERS_TOO_LARGE": ErrorCode(
        "The headers are too large or too many.",
        "Send fewer headers, or raise `limits.header_bytes` or `limits.header_count`.",
    ),
    "METHOD_NOT_ALLOWED": ErrorCode(
        "The HTTP method is not allowed, or a GET carries a mutation.", "Send mutations with POST."
    ),
    "NOT_ACCEPTABLE": ErrorCode(
        "The router has no response in a media type of `Accept`.",
        "Accept `application/graphql-response+json` or `application/json`.",
    ),
    "NOT_FOUND": ErrorCode(
        "The path is not the path of the GraphQL endpoint.", "The message has the path of the endpoint."
    ),
    "PAYLOAD_TOO_LARGE": ErrorCode("The body is too large.", "Send less, or raise `limits.body_bytes`."),
    "REQUEST_TIMEOUT": ErrorCode("The body did not arrive in time.", "Check the connection, and send it again."),
    "UNSUPPORTED_MEDIA_TYPE": ErrorCode(
        "The body is not JSON in UTF-8, or it is compressed.", "Send `Content-Type: application/json` without coding."
    ),
    "URI_TOO_LONG": ErrorCode("The query string is too long.", "Use POST."),
}
"""Codes of HTTP requests that are refused before their operation is read."""

REQUEST_CODES: Final[Mapping[str, ErrorCode]] = {
    "UNAUTHENTICATED": ErrorCode(
        "The access token or API key is not valid, or the router requires one (status 401).",
        "Get a new token; `authentication.anonymous` says whether a request needs one.",
    ),
    "AUTHENTICATION_UNAVAILABLE": ErrorCode(
        "The router cannot fetch the keys of the issuer, or read the list of revoked tokens (status 503).", _RETRY
    ),
    "INSUFFICIENT_USER_AUTHENTICATION": ErrorCode(
        "The operation needs a newer or stronger login (status 401). `acrValues` and `maxAge` are in `extensions`.",
        "Let the user log in again with `acr_values` and `max_age` of `WWW-Authenticate`, and send the new token.",
    ),
    "RATE_LIMITED": ErrorCode(
        "The client has used up a limit (status 429). `policy` in `extensions` is the limit.",
        "Wait for `retryAfter` seconds; the header `RateLimit` says what is left.",
    ),
    "RATE_LIMITS_UNAVAILABLE": ErrorCode(
        "The Redis with the counts does not respond, and `rate_limits.redis.unavailable` is `closed` (status 503).",
        _RETRY,
    ),
    "IDEMPOTENCY_KEY_INVALID": ErrorCode(
        "The idempotency key is not 1 to 255 visible ASCII characters (status 400).", "Use a UUID, for example."
    ),
    "IDEMPOTENCY_KEY_REUSED": ErrorCode(
        "The idempotency key was used for another mutation, or with other variables (status 422).",
        "Use a new key for each mutation.",
    ),
    "IDEMPOTENCY_KEY_IN_USE": ErrorCode("The first mutation with this key is still running (status 409).", _RETRY),
    "IDEMPOTENCY_RESULT_UNKNOWN": ErrorCode(
        "The first mutation with this key ended without a response, for example after a timeout (status 409).",
        "Find out by a query whether it had an effect, then use a new key.",
    ),
    "IDEMPOTENCY_UNAVAILABLE": ErrorCode(
        "The Redis with the keys does not respond; the mutation was not run (status 503).", _RETRY
    ),
    "PARSING_ERROR": ErrorCode("The document is not GraphQL.", "`locations` has the line and column."),
    "GRAPHQL_VALIDATION_FAILED": ErrorCode(
        "The document does not fit the schema.", "Correct the place that `locations` names."
    ),
    "GRAPHQL_UNKNOWN_OPERATION_NAME": ErrorCode(
        "The document has no operation with this name, or several operations and no name was sent.",
        "Send `operationName`.",
    ),
    "VALIDATION_INVALID_TYPE_VARIABLE": ErrorCode(
        "The value of a variable does not fit its type.", "The message names the variable and the place inside it."
    ),
    "SUBSCRIPTIONS_NOT_ENABLED": ErrorCode("The operation is a subscription.", "Poll a query instead."),
    "QUERY_PLANNING_FAILED": ErrorCode(
        "No sequence of fetches can resolve the operation.", "Report it: `router plan` shows the reason."
    ),
    "PERSISTED_QUERY_NOT_SUPPORTED": ErrorCode(
        "The request has only the id of a document, and the router looks up no ids.",
        "Send the document, or enable `apq` or `persisted_documents`.",
    ),
    "PERSISTED_QUERY_NOT_FOUND": ErrorCode(
        "The router does not know the document with this hash.", "Send the hash and the document together."
    ),
    "PERSISTED_QUERY_HASH_MISMATCH": ErrorCode(
        "The hash does not match the document.", "Send the SHA-256 of the document, in lower-case hexadecimal."
    ),
    "PERSISTED_QUERY_ID_REQUIRED": ErrorCode(
        "The router accepts only ids of persisted documents.", "Send the id of a document of the manifests."
    ),
    "CANNOT_SEND_PQ_ID_AND_BODY": ErrorCode("The request has an id and a document.", "Send one of both."),
    "PERSISTED_QUERY_NOT_IN_LIST": ErrorCode("No manifest has the id.", "Publish the manifest of this client first."),
    "QUERY_NOT_IN_SAFELIST": ErrorCode("No manifest has the document.", "Publish the manifest of this client first."),
    "MAX_TOKENS_LIMIT": ErrorCode("The document has too many tokens.", f"{_SMALLER} `limits.tokens`."),
    "MAX_RECURSION_LIMIT": ErrorCode("Brackets are nested too deeply.", f"{_SMALLER} `limits.recursion`."),
    "MAX_DEPTH_LIMIT": ErrorCode("Fields are nested too deeply.", f"{_SMALLER} `limits.depth`."),
    "MAX_FIELDS_LIMIT": ErrorCode("The operation has too many fields.", f"{_SMALLER} `limits.fields`."),
    "MAX_HEIGHT_LIMIT": ErrorCode("The operation has too many different fields.", f"{_SMALLER} `limits.height`."),
    "MAX_ALIASES_LIMIT": ErrorCode("The operation has too many aliases.", f"{_SMALLER} `limits.aliases`."),
    "MAX_DIRECTIVES_LIMIT": ErrorCode("The operation has too many directives.", f"{_SMALLER} `limits.directives`."),
    "MAX_ROOT_FIELDS_LIMIT": ErrorCode("The operation has too many root fields.", f"{_SMALLER} `limits.root_fields`."),
    "MAX_INTROSPECTION_DEPTH_LIMIT": ErrorCode(
        "Lists of the introspection are nested too deeply.", f"{_SMALLER} `limits.introspection_depth`."
    ),
    "QUERY_TOO_EXPENSIVE": ErrorCode(
        "Nested lists can have too many items. `estimate` and `limit` are in `extensions`.",
        "Ask for shorter lists, or raise `limits.list_items`.",
    ),
    "COST_ESTIMATED_TOO_EXPENSIVE": ErrorCode(
        "The operation can cost too much. `estimate` and `limit` are in `extensions`.",
        "Ask for less or for shorter lists, or raise `demand_control.max_cost`; `router cost` shows the costs.",
    ),
    "COST_QUERY_PARSE_FAILURE": ErrorCode(
        "The size of a list is not known: its field needs exactly one slicing argument.",
        "Give one of the arguments, such as `first`.",
    ),
    "MAX_OPERATION_NAME_LIMIT": ErrorCode("The operation's name is too long.", "Choose a shorter name."),
    "FORBIDDEN": ErrorCode("A stage of the operator refuses the request.", "The message has the reason."),
    "INTERNAL_SERVER_ERROR": ErrorCode(
        "The router has a fault.", "Report it with the header `X-Request-Id` of the response."
    ),
    "ROUTER_OVERLOADED": ErrorCode("The router runs as many requests as it may.", _RETRY),
    "SUPERGRAPH_NOT_LOADED": ErrorCode("The router has just started and has no supergraph yet.", _RETRY),
}
"""Codes of requests that are refused as a whole. Nothing is fetched."""

FIELD_CODES: Final[Mapping[str, ErrorCode]] = {
    "UNAUTHORIZED_FIELD_OR_TYPE": ErrorCode(
        "The client may not read the field; or the whole operation is refused (status 401 or 403).",
        "Send a credential with the scopes that the schema requires; `router explain-auth` names them.",
    ),
    "SUBREQUEST_HTTP_ERROR": ErrorCode("A subgraph cannot be reached, or has a fault.", _RETRY),
    "GATEWAY_TIMEOUT": ErrorCode("A subgraph, or the whole request, took too long.", _RETRY),
    "SUBREQUEST_MALFORMED_RESPONSE": ErrorCode(
        "A subgraph sent something that is not a GraphQL response.", "Report it with `extensions.errorId`."
    ),
    "DOWNSTREAM_SERVICE_ERROR": ErrorCode(
        "A subgraph reported an error that the router masks, or one without a code.",
        "Report it with `extensions.errorId`; the operator allows codes with `errors.allow_codes`.",
    ),
    "SUBGRAPH_COST_ESTIMATED_TOO_EXPENSIVE": ErrorCode(
        "The fields cost a subgraph more than one request may, so they were not fetched.",
        "Ask for less, or raise `demand_control.subgraph_max_cost`.",
    ),
    "RESPONSE_VALIDATION_FAILED": ErrorCode(
        "A subgraph returned a value that its schema does not allow.", "Report it with the path of the error."
    ),
    "REQUIRED_VALUE_UNKNOWN": ErrorCode(
        "A field depends on a fetch that failed.", "Look at the other errors of the response."
    ),
}
"""Codes of errors at one field. The rest of the response is valid."""

_HEAD = """# Error codes

<!-- Generated: router explain --clients > docs/errors.md -->

Every error that the router reports to a client has one of these codes in `extensions.code`. `errors.allow_codes` lets
codes of subgraphs pass; the bank's are in [bank.md](spec/bank.md). [The execution page](spec/execution.md) says which
HTTP status a response has. `router explain CODE` explains one code, and the codes of composition.
"""
_PARTS = (
    ("The HTTP request is refused", HTTP_CODES),
    ("The whole GraphQL request is refused", REQUEST_CODES),
    ("One field failed", FIELD_CODES),
)

CODES: Final[Mapping[str, ErrorCode]] = {**HTTP_CODES, **REQUEST_CODES, **FIELD_CODES}


def reference() -> str:
    """Return the text of `docs/errors.md`."""
    return _HEAD + "".join(
        f"\n## {title}\n\n| code | meaning | what to do |\n|---|---|---|\n"
        + "".join(f"| `{code}` | {row.meaning} | {row.advice} |\n" for code, row in codes.items())
        for title, codes in _PARTS
    )


def explain(code: str) -> str | None:
    """Return what one code means and what to do, in two lines; None if the router does not report this code."""
    row = CODES.get(code)
    return f"{code}: {row.meaning}\n{row.advice}\n" if row is not None else None
