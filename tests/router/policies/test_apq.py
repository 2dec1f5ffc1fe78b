from __future__ import annotations

from hashlib import sha256

import pytest
from structlog.testing import capture_logs

from router.errors import PersistedQueryHashMismatch, PersistedQueryNotFound
from router.policies.apq import AutomaticPersistedQueries
from router.request.request_and_response import GraphQLRequest
from router.storage.memory_text_store import MemoryStore
from tests.router.pipeline.contexts import accepted, resolved

TEXT = "{ me { id } }"
HASH = sha256(TEXT.encode()).hexdigest()
BOTH = GraphQLRequest(query=TEXT, document_id=HASH)
ONLY_HASH = GraphQLRequest(document_id=HASH)


def memory() -> MemoryStore:
    return MemoryStore(max_entries=10, max_bytes=1_000)


async def learnt(*stores: MemoryStore) -> AutomaticPersistedQueries:
    """One whose clients registered TEXT."""
    queries = AutomaticPersistedQueries(*stores)
    await accepted(queries, BOTH)
    return queries


async def test_an_unknown_hash_is_not_found_with_the_words_clients_compare() -> None:
    with pytest.raises(PersistedQueryNotFound) as raised:
        await resolved(AutomaticPersistedQueries(memory()), ONLY_HASH)
    assert (raised.value.code, raised.value.message) == ("PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound")


async def test_what_was_accepted_is_found() -> None:
    queries = await learnt(memory())
    assert (await resolved(queries, ONLY_HASH)).query == TEXT
    assert (await resolved(queries, GraphQLRequest(document_id=HASH.upper()))).query == TEXT


async def test_what_was_only_asked_is_not_kept() -> None:
    queries = AutomaticPersistedQueries(memory())
    assert await resolved(queries, BOTH) == BOTH
    with pytest.raises(PersistedQueryNotFound):
        await resolved(queries, ONLY_HASH)


async def test_a_document_without_its_hash_is_not_kept() -> None:
    store = memory()
    queries = AutomaticPersistedQueries(store)
    request = GraphQLRequest(query=TEXT)
    assert await resolved(queries, request) == request
    await accepted(queries, request)
    assert await store.get(HASH) is None


@pytest.mark.parametrize("query", ["{ me { id }}", "{ other }", TEXT + " ", "\ud800"])
async def test_a_hash_of_something_else_is_a_mismatch(query: str) -> None:
    with pytest.raises(PersistedQueryHashMismatch) as raised:
        await resolved(AutomaticPersistedQueries(memory()), GraphQLRequest(query=query, document_id=HASH))
    assert raised.value.code == "PERSISTED_QUERY_HASH_MISMATCH"


@pytest.mark.parametrize("name", ["", "x" * 64, "../../etc/passwd", "a" * 100_000, HASH[:-1]])
async def test_what_is_no_hash_is_not_looked_for(name: str) -> None:
    store = memory()
    await store.put(name, TEXT)
    with pytest.raises(PersistedQueryNotFound):
        await resolved(AutomaticPersistedQueries(store), GraphQLRequest(document_id=name))


async def test_what_a_farther_store_has_is_kept_in_the_nearer() -> None:
    near, far = memory(), memory()
    await learnt(far)
    assert (await resolved(AutomaticPersistedQueries(near, far), ONLY_HASH)).query == TEXT
    assert await near.get(HASH) == TEXT


async def test_what_is_learnt_is_kept_in_all() -> None:
    near, far = memory(), memory()
    await learnt(near, far)
    assert await near.get(HASH) == await far.get(HASH) == TEXT


async def test_a_store_that_others_wrote_to_is_not_believed() -> None:
    near, far = memory(), memory()
    await far.put(HASH, "mutation { rename(name: 1) { id } }")
    with capture_logs() as lines, pytest.raises(PersistedQueryNotFound):
        await resolved(AutomaticPersistedQueries(near, far), ONLY_HASH)
    assert [line["hash"] for line in lines] == [HASH]
    assert await near.get(HASH) is None
