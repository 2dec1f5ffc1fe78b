"""A registry in an object store: a real server with the API of S3."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import boto3
import pytest
from click.testing import CliRunner

from router.cli import command
from router.composition import Subgraph
from router.schema_check.registry import object_store
from router.schema_check.registry.object_store import ObjectStore
from router.schema_check.registry.open_registry import open_registry, open_registry_store
from router.schema_check.registry.publish import publish, publish_to
from router.schema_check.registry.read_and_verify_history import history, verify
from router.schema_check.registry.read_registry import read_registry
from router.schema_check.registry.registry_version import RegistryError
from servicekit.errors import StartupError
from tests.router.schema_check.registry.test_publish import BOOKS, PEOPLE, publication
from tests.s3_server import new_bucket, serving_s3

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECONDS = 30.0
NEW = Subgraph("new", "http://new.example/", "type Query { n: Int }")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The URL of a server with the API of S3."""
    with serving_s3() as url:
        yield url


@pytest.fixture
def bucket(server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of an empty bucket."""
    return new_bucket(server, monkeypatch)


@pytest.fixture
def registry(bucket: str) -> str:
    """A registry with two versions."""
    location = f"s3://{bucket}/team/registry"
    publish(location, publication(BOOKS), SECONDS)
    publish(location, publication(PEOPLE), SECONDS)
    return location


def delete(location: str, path: str) -> None:
    name, _, prefix = location.removeprefix("s3://").partition("/")
    boto3.client("s3").delete_object(Bucket=name, Key=f"{prefix}/{path}")


def test_what_was_published_is_read(registry: str) -> None:
    found = read_registry(registry, SECONDS)
    assert found.subgraphs == (BOOKS, PEOPLE)
    assert found.label == f"{registry} (version 2)"
    with open_registry(registry, SECONDS) as files:
        assert [(each.version, each.changed) for each in history(files)] == [(2, ("people",)), (1, ("books",))]
        assert verify(files) == 2


def test_nothing_new_is_no_version(registry: str) -> None:
    assert publish(registry, publication(BOOKS), SECONDS) is None


class Overtaken(ObjectStore):
    """A store in which others publish each time after the newest version was read, so many times."""

    def __init__(self, location: str, times: int) -> None:
        super().__init__(location, SECONDS)
        self.remaining = times

    def write(self, path: str, content: bytes) -> None:
        if path.startswith("supergraphs/") and self.remaining:
            self.remaining -= 1
            other = Subgraph("other", f"http://other.example/{self.remaining}", "type Query { other: Int }")
            publish(self.label, publication(other), SECONDS)
        super().write(path, content)


@pytest.mark.parametrize("has_versions", [True, False])
def test_two_publications_at_once_are_two_versions(bucket: str, *, has_versions: bool) -> None:
    location = f"s3://{bucket}"
    if has_versions:
        publish(location, publication(BOOKS), SECONDS)
    version = publish_to(Overtaken(location, 1), publication(PEOPLE))
    assert version is not None
    assert version.version == (3 if has_versions else 2)
    assert {"other", "people"} <= version.subgraphs.keys()
    with open_registry(location, SECONDS) as files:
        assert verify(files) == version.version


def test_a_publication_that_is_always_overtaken_ends(registry: str) -> None:
    with pytest.raises(RegistryError, match="10 times, somebody else published first; publish again"):
        publish_to(
            Overtaken(registry, 10), publication(Subgraph("new", "http://new.example/", "type Query { n: Int }"))
        )
    assert "new" not in read_registry(registry, SECONDS).version.subgraphs


def test_an_interrupted_publication_is_completed_by_the_next_one(registry: str) -> None:
    """The process ended after `latest.json` was written, before the file of the version."""
    delete(registry, "versions/2.json")
    with open_registry(registry, SECONDS) as files:
        assert verify(files) == 2
        publish(registry, publication(removed=("books",)), SECONDS)
        assert verify(files) == 3
        assert files.read("versions/2.json")


def test_a_changed_object_is_found(registry: str) -> None:
    open_registry_store(registry, SECONDS).write("versions/1.json", b"{}")
    with open_registry(registry, SECONDS) as files, pytest.raises(RegistryError, match="does not have the checksum"):
        verify(files)


def test_a_missing_object_is_named(registry: str) -> None:
    (published,) = [
        each for name, each in read_registry(registry, SECONDS).version.subgraphs.items() if name == "books"
    ]
    delete(registry, f"schemas/books/{published.sha256}.graphql")
    with pytest.raises(RegistryError, match=r"\.graphql: does not exist, but a version of the registry names it"):
        read_registry(registry, SECONDS)


def test_a_long_object_is_not_read(registry: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_store, "MAX_BYTES", 10)
    with pytest.raises(RegistryError, match=r"latest\.json: is longer than 10 bytes"):
        read_registry(registry, SECONDS)


def test_an_empty_bucket_is_no_registry(bucket: str) -> None:
    with pytest.raises(RegistryError, match=r"nothing is published there: it has no latest\.json"):
        read_registry(f"s3://{bucket}", SECONDS)


@pytest.mark.parametrize("location", ["s3://", "s3:///folder"])
def test_a_location_without_a_bucket(location: str) -> None:
    with pytest.raises(RegistryError, match="has no bucket; write s3://BUCKET or s3://BUCKET/FOLDER"):
        read_registry(location, SECONDS)


def test_a_bucket_that_does_not_exist(bucket: str) -> None:
    with pytest.raises(RegistryError, match="the object store refuses the request: NoSuchBucket"):
        publish(f"s3://{bucket}-gone", publication(BOOKS), SECONDS)


def test_a_store_that_is_away(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(RegistryError, match=r"the object store cannot be used: .*name a folder as the registry"):
        read_registry(f"s3://{bucket}", SECONDS)


def test_without_credentials_the_message_names_them(
    bucket: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    with pytest.raises(RegistryError, match=r"cannot be used: .*credentials"):
        read_registry(f"s3://{bucket}", SECONDS)


def test_without_the_package_the_message_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "router.schema_check.registry.object_store", None)
    with pytest.raises(RegistryError, match=r"needs the package boto3: pip install mosafe\[s3\]"):
        read_registry("s3://bucket", SECONDS)


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("git+https://git.example/x.git#main:reg", "publish to a folder of a clone, then commit and push it"),
        ("https://schemas.example/reg", "publish to the folder that the web server serves, or to s3://"),
    ],
)
def test_other_registries_are_read_only(location: str, message: str) -> None:
    with pytest.raises(RegistryError, match=message):
        publish(location, publication(BOOKS), SECONDS)


def test_the_commands_know_object_stores(registry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "books.graphql").write_text("type Query { book: Int! }")

    def run(*arguments: str) -> str:
        result = CliRunner().invoke(command, arguments, prog_name="router", catch_exceptions=False)
        return result.output

    assert "safe[FIELD_TYPE_CHANGED]" in run("check", "--registry", registry, "--subgraph", "books=books.graphql")
    published = run("publish", registry, "--subgraph", "books=books.graphql", "--by", "ann")
    assert published == f"{registry}: version 3 is published (books)\n"
    assert run("registry", "history", registry).splitlines()[0].split()[:1] == ["3"]
    assert run("registry", "verify", registry) == f"{registry}: all files of 3 versions have their checksums\n"
    with pytest.raises(StartupError, match="has no bucket"):
        run("publish", "s3://", "--subgraph", "books=books.graphql")
