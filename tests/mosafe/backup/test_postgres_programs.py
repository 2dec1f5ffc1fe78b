"""The environment of pg_dump and pg_restore."""

from __future__ import annotations

import pytest

from mosafe.backup.postgres_programs import variables


@pytest.mark.parametrize(
    ("place", "host", "port"),
    [
        ("db.example", "db.example", "5432"),
        ("db.example:5433", "db.example", "5433"),
        ("one,two:5434", "one,two", "5432,5434"),
        ("[::1]", "::1", "5432"),
        ("[::1]:5433", "::1", "5433"),
    ],
)
def test_hosts_and_ports_of_the_url_are_those_of_the_programs(place: str, host: str, port: str) -> None:
    found = variables(f"postgresql://ann:secret@{place}/auth")
    assert found is not None
    assert (found["PGHOST"], found["PGPORT"], found["PGDATABASE"]) == (host, port, "auth")
