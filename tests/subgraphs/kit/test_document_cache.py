"""Documents that were valid are kept in a bounded memory; the limits of each request hold all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from graphql import parse

from subgraphs.kit.document_cache import MAX_DOCUMENT_CHARACTERS, ValidDocuments
from subgraphs.kit.operation_checks import InvalidDocument, check_operation, read_operation
from subgraphs.kit.request_limits import RequestLimits
from tests.subgraphs.kit.library import SCHEMA
from tests.subgraphs.support import GraphQLClient

if TYPE_CHECKING:
    import httpx

DOCUMENT = parse("{ __typename }")
TEXT = "query ($n: Int!) { books(first: $n) { nodes { id } } }"


def test_the_documents_that_were_used_last_are_kept() -> None:
    documents = ValidDocuments(max_characters=30)
    for text in ("a" * 10, "b" * 10, "c" * 10):
        documents.add(text, DOCUMENT)
        documents.add(text, DOCUMENT)
    assert documents.find("a" * 10) is DOCUMENT
    documents.add("d" * 20, DOCUMENT)
    assert [documents.find(letter * 10) for letter in "abc"] == [DOCUMENT, None, None]
    assert len(documents) == 2


def test_a_long_document_is_not_kept() -> None:
    documents = ValidDocuments()
    documents.add("a" * (MAX_DOCUMENT_CHARACTERS + 1), DOCUMENT)
    assert len(documents) == 0


def test_a_kept_document_is_estimated_with_the_variables_of_each_request() -> None:
    documents = ValidDocuments()
    first = read_operation(TEXT, None, documents)
    check_operation(SCHEMA.graphql, first, {"n": 1}, RequestLimits(objects=20))
    documents.add(TEXT, first.document)
    again = read_operation(TEXT, None, documents)
    assert again.kept is not None
    assert again.document is first.document
    with pytest.raises(InvalidDocument):
        check_operation(SCHEMA.graphql, again, {"n": 100}, RequestLimits(objects=20))


def test_limits_hold_for_each_operation_of_a_kept_document() -> None:
    """The document is kept after its operation A was accepted; B was never checked."""
    documents = ValidDocuments()
    text = "query A { __typename } query B { " + " ".join(f"a{n}: __typename" for n in range(40)) + " }"
    for name, accepted in (("A", True), ("B", False), ("A", True), ("B", False)):
        operation = read_operation(text, name, documents)
        if accepted:
            check_operation(SCHEMA.graphql, operation, {}, RequestLimits(aliases=30))
            documents.add(text, operation.document)
        else:
            with pytest.raises(InvalidDocument):
                check_operation(SCHEMA.graphql, operation, {}, RequestLimits(aliases=30))


def test_estimates_are_dropped_with_their_document() -> None:
    documents = ValidDocuments(max_characters=10)
    documents.add("a" * 10, DOCUMENT)
    kept = documents.estimates("a" * 10, None)
    assert kept is documents.estimates("a" * 10, None)
    documents.add("b" * 10, DOCUMENT)
    assert documents.estimates("a" * 10, None) is None


async def test_a_repeated_request_has_its_own_variables_and_its_own_operation(http: httpx.AsyncClient) -> None:
    client = GraphQLClient(http, None)
    text = "query A($x: Decimal!) { echo(amount: $x) } query B { __typename }"
    for amount in ("1.00", "2.00", "2.00"):
        body = {"query": text, "operationName": "A", "variables": {"x": amount}}
        response = await http.post("/graphql", json=body)
        assert response.json()["data"] == {"echo": f"[Decimal('{amount}')]"}
    response = await http.post("/graphql", json={"query": text, "operationName": "B"})
    assert response.json()["data"] == {"__typename": "Query"}
    for _ in range(2):
        assert (await client.execute("{ nope }")).status == 400
