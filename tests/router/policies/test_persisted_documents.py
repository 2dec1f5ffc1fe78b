"""Documents by their id, and the list of those clients may run.

Covers `router/policies/read_persisted_manifests.py` too.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from graphql import parse

from router.errors import DocumentNotListed, RequestError
from router.policies.persisted_documents import PersistedDocumentList
from router.policies.read_persisted_manifests import InvalidManifest, read_manifests
from router.preparation.read_and_cache_documents import DocumentFindings, ParsedDocument
from router.request.request_and_response import GraphQLRequest
from router.settings.sections.persisted_documents import PersistedDocuments, PersistedMode
from tests.router.pipeline.contexts import resolved

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ME, OTHER = "query Me { me { id } }", "query Other { me { name } }"
RELAY: dict[str, Any] = {"1": ME, "2": OTHER}
APOLLO: dict[str, Any] = {
    "format": "apollo-persisted-query-manifest",
    "version": 1,
    "operations": [
        {"id": "1", "name": "Me", "type": "query", "body": ME},
        {"id": "2", "name": "Other", "type": "query", "body": OTHER, "clientName": "web"},
    ],
}


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., tuple[Path, ...]]:
    """Writes manifests, and says where."""

    def to_files(*contents: object) -> tuple[Path, ...]:
        paths = tuple(tmp_path / f"{index}.json" for index in range(len(contents)))
        for path, content in zip(paths, contents, strict=True):
            path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return paths

    return to_files


def test_both_formats_say_the_same(write: Callable[..., tuple[Path, ...]]) -> None:
    assert read_manifests(write(RELAY)) == {("1", None): ME, ("2", None): OTHER}
    assert read_manifests(write(APOLLO)) == {("1", None): ME, ("2", "web"): OTHER}


def test_several_files_are_one_list(write: Callable[..., tuple[Path, ...]]) -> None:
    assert set(read_manifests(write({"1": ME}, {"1": ME, "3": OTHER}))) == {("1", None), ("3", None)}


def test_a_document_of_a_map_may_be_called_operations(write: Callable[..., tuple[Path, ...]]) -> None:
    assert read_manifests(write({"operations": ME, "format": OTHER})) == {
        ("operations", None): ME,
        ("format", None): OTHER,
    }


@pytest.mark.parametrize(
    ("contents", "reason"),
    [
        ([b"{"], "truncated"),
        ([b"\xff"], "not a manifest"),
        ([[]], "Expected `object`"),
        ([{"1": 2}], "Expected `str`"),
        ([{**APOLLO, "version": 2}], "version 1"),
        ([{**APOLLO, "format": "other"}], "apollo-persisted-query-manifest"),
        ([{**APOLLO, "operations": [{"id": "1"}]}], "body"),
        ([{**APOLLO, "operations": 1}], "Expected `array`"),
        ([{"1": ME}, {"1": OTHER}], "the id '1' has two documents"),
    ],
)
def test_what_is_no_manifest_is_refused_with_its_name(
    write: Callable[..., tuple[Path, ...]], contents: list[object], reason: str
) -> None:
    with pytest.raises(InvalidManifest, match=reason) as raised:
        read_manifests(write(*contents))
    assert str(raised.value).count(".json: ") == 1


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidManifest, match=r"none\.json: cannot be read: No such file"):
        read_manifests((tmp_path / "none.json",))


@pytest.fixture
def documents(write: Callable[..., tuple[Path, ...]]) -> Callable[[str], PersistedDocumentList]:
    def make(mode: str, content: object = APOLLO) -> PersistedDocumentList:
        return PersistedDocumentList(PersistedDocuments(mode=PersistedMode(mode), manifests=write(content)))

    return make


TEXT, KNOWN, UNKNOWN = GraphQLRequest(query="{ x }"), GraphQLRequest(document_id="1"), GraphQLRequest(document_id="9")
BOTH = GraphQLRequest(query="{ x }", document_id="1")


@pytest.mark.parametrize(
    ("mode", "request_", "outcome"),
    [
        ("measure", TEXT, "{ x }"),
        ("measure", KNOWN, ME),
        ("measure", UNKNOWN, "PERSISTED_QUERY_NOT_IN_LIST"),
        ("measure", BOTH, "{ x }"),
        ("allow_list", TEXT, "{ x }"),
        ("allow_list", KNOWN, ME),
        ("allow_list", UNKNOWN, "PERSISTED_QUERY_NOT_IN_LIST"),
        ("allow_list", BOTH, "CANNOT_SEND_PQ_ID_AND_BODY"),
        ("require_id", TEXT, "PERSISTED_QUERY_ID_REQUIRED"),
        ("require_id", KNOWN, ME),
        ("require_id", UNKNOWN, "PERSISTED_QUERY_NOT_IN_LIST"),
        ("require_id", BOTH, "CANNOT_SEND_PQ_ID_AND_BODY"),
        ("require_id", GraphQLRequest(), "PERSISTED_QUERY_ID_REQUIRED"),
    ],
)
async def test_each_mode_does_as_its_row_says(
    documents: Callable[[str], PersistedDocumentList], mode: str, request_: GraphQLRequest, outcome: str
) -> None:
    try:
        found = (await resolved(documents(mode), request_)).query
    except RequestError as error:
        found = error.code
    assert found == outcome


@pytest.mark.parametrize(("client", "found"), [("web", True), ("ios", False), (None, False)])
async def test_an_entry_for_one_client_is_for_that_one(
    documents: Callable[[str], PersistedDocumentList], client: str | None, *, found: bool
) -> None:
    headers = {} if client is None else {"apollographql-client-name": client}
    request = GraphQLRequest(document_id="2", headers=headers)
    if found:
        assert (await resolved(documents("require_id"), request)).query == OTHER
    else:
        with pytest.raises(RequestError):
            await resolved(documents("require_id"), request)


async def test_an_id_may_say_that_it_is_a_hash(documents: Callable[..., PersistedDocumentList]) -> None:
    listed = documents("require_id", {"abc": ME, "sha256:def": OTHER})
    assert (await resolved(listed, GraphQLRequest(document_id="sha256:abc"))).query == ME
    assert (await resolved(listed, GraphQLRequest(document_id="sha256:def"))).query == OTHER


def found(listed: PersistedDocumentList, text: str, *, trusted: bool) -> DocumentFindings:
    """What the check of a document finds out."""
    findings = DocumentFindings()
    listed.check_parsed(ParsedDocument(parse(text), trusted=trusted), findings)
    return findings


def test_layout_does_not_matter_to_the_list(documents: Callable[..., PersistedDocumentList]) -> None:
    listed = documents("allow_list", {"1": "query Me{me{id}} # mine"})
    assert found(listed, "query Me {\n  me {\n    id\n  }\n}", trusted=True).listed
    assert not found(listed, "query Me {\n  me {\n    name\n  }\n}", trusted=True).listed


def test_only_the_allow_list_is_enforced(documents: Callable[[str], PersistedDocumentList]) -> None:
    for mode in ("measure", "require_id"):
        found(documents(mode), "{ x }", trusted=False)
    with pytest.raises(DocumentNotListed) as raised:
        found(documents("allow_list"), "{ x }", trusted=False)
    assert raised.value.code == "QUERY_NOT_IN_SAFELIST"


def test_a_document_that_is_not_graphql_is_named(documents: Callable[..., PersistedDocumentList]) -> None:
    with pytest.raises(InvalidManifest, match="'7' is not GraphQL"):
        documents("allow_list", {"7": "{"})


def test_the_documents_are_there_for_warming_up(documents: Callable[[str], PersistedDocumentList]) -> None:
    assert set(documents("measure").documents) == {ME, OTHER}
