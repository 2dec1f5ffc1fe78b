"""Ids, counts and quantiles."""

from __future__ import annotations

import math

from router.usage.usage_data import BUCKET_COUNT, Client, Counts, hash_of, id_of, operation_id


def test_ids_fit_into_a_signed_number_of_64_bits_and_differ() -> None:
    ids = {id_of("a", "b"), id_of("ab", ""), id_of("", "ab"), id_of("a", "b", "")}
    assert len(ids) == 4
    assert all(-(2**63) <= each < 2**63 for each in ids)
    assert id_of("\ud800") == id_of("\ud800")


def test_a_hash_has_16_digits() -> None:
    assert hash_of(-1) == "f" * 16
    assert len(hash_of(operation_id("{ a }"))) == 16


def test_a_client_is_printed_with_its_version() -> None:
    assert [str(Client("web", "1")), str(Client("web", "")), str(Client("", ""))] == ["web 1", "web", "(unnamed)"]


def test_counts_are_added_by_weight() -> None:
    counts = Counts(1, 0, 0.5)
    counts.buckets[2] = 1
    total = Counts()
    total.add(counts, 10)
    total.add(counts)
    assert (total.requests, total.seconds, total.buckets[2]) == (11, 5.5, 11)


def test_a_quantile_is_the_bound_of_its_bucket() -> None:
    counts = Counts()
    assert counts.quantile(0.5) == 0.0
    counts.buckets = [0] * BUCKET_COUNT
    counts.buckets[0], counts.buckets[-1] = 98, 2
    assert counts.quantile(0.5) == 0.001
    assert math.isinf(counts.quantile(0.99))
