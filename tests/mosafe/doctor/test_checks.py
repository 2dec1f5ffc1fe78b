"""Each fault of an installation has its line, with what mends it, and no secret.

Covers all modules of `mosafe/doctor`.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import ssl
import threading
from contextlib import closing, contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer
from click.testing import CliRunner
from pymongo import MongoClient

from bank.events.topics import ACCOUNTS, EXPORTS, FRAUD, TRANSACTIONS
from bank.store_records import StoreRecords, StoreState
from mosafe.certificates.folder import CertificateFolder
from mosafe.certificates.issuing import Authority, Subject, now
from mosafe.cli import command
from mosafe.doctor import local_checks, process_checks, run_checks, server_checks, tls_check
from mosafe.doctor.cli import exit_code
from mosafe.doctor.findings import Context, Finding, Status, clock_finding, failed, ok, warning
from mosafe.sdl import SUBGRAPHS, sdl_of
from servicekit.sqlite import Database
from servicekit.tls.process_files import VARIABLES
from subgraphs.account.store.sqlite_migrations import MIGRATIONS
from subgraphs.kit.mongo import MIGRATIONS as MARKS
from subgraphs.kit.mongo import RESTORING
from tests.certificates import HOUR, TestAuthority
from tests.e2e.platform import PORT_VARIABLES
from tests.ports import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pymongo.database import Database as MongoDatabase

    from mosafe.doctor.findings import Check
    from servicekit.tls.files import TlsFiles

HIDDEN = "hidden-in-the-url"


async def lines(check: Check, environ: dict[str, str]) -> list[str]:
    found = await check(Context.of(environ))
    assert all(finding.fix or finding.status is Status.OK for finding in found), "each fault has what mends it"
    return [f"{finding.status} {finding.check}: {finding.text}" for finding in found]


def one_that_starts(found: list[str], start: str) -> str:
    matching = [line for line in found if line.startswith(start)]
    assert matching, found
    assert HIDDEN not in " ".join(found)
    return matching[0]


@pytest.mark.parametrize(
    ("environ", "line"),
    [
        ({}, "ok settings: the variables of all services are right"),
        ({"ACCOUNT_PORT": "x"}, "failed settings: ACCOUNT_PORT: "),
        ({"MOSAFE_DATADIR": "x"}, "failed settings: MOSAFE_DATADIR: unknown variable; did you mean MOSAFE_DATA_DIR?"),
        ({"REDIS_URL": f"http://u:{HIDDEN}@x"}, "failed settings: REDIS_URL: "),
    ],
)
async def test_settings(environ: dict[str, str], line: str) -> None:
    found = await lines(local_checks.check_settings, environ)
    assert len(found) == 1, "a common variable is reported once"
    one_that_starts(found, line)


async def test_permissions_of_secrets(tmp_path: Path) -> None:
    data, secret = tmp_path / "data", tmp_path / "redis"
    (data / "secrets").mkdir(parents=True)
    key = data / "secrets" / "ledger.key"
    key.write_text(HIDDEN)
    secret.write_text("redis://127.0.0.1")
    for path, mode in ((data, 0o700), (key, 0o600), (secret, 0o600)):
        path.chmod(mode)
    environ = {"MOSAFE_DATA_DIR": str(data), "REDIS_URL_FILE": str(secret)}
    assert await lines(local_checks.check_secrets, environ) == ["ok secrets: no other user can read them"]
    context = Context.of(environ)
    for path in (data, key, secret):
        path.chmod(0o755)
    found = [f"{each.text} -> {each.fix}" for each in await local_checks.check_secrets(context)]
    assert found == [
        (
            f"REDIS_URL_FILE: the secret file {secret} is open to other users (mode 0755): chmod 600 {secret}"
            f" -> chmod 600 {secret}"
        ),
        f"other users can open the folder {data} (0755) -> chmod 700 {data}",
        f"the secret file {key} is open to other users (mode 0755): chmod 600 {key} -> chmod 600 {key}",
    ]
    secret.unlink()
    one_that_starts(
        [each.text for each in await local_checks.check_secrets(context)], "REDIS_URL_FILE: No such file or directory"
    )


@pytest.mark.parametrize(("free", "status"), [(2e9, "ok"), (5e8, "warning"), (1e6, "failed")])
async def test_disk(free: float, status: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mosafe.doctor.local_checks.shutil.disk_usage", lambda _: SimpleNamespace(free=free))
    (line,) = await lines(local_checks.check_disk, {"MOSAFE_DATA_DIR": str(tmp_path / "none" / "yet")})
    assert line == f"{status} disk: {free / 1e9:.1f} GB are free at {tmp_path}"


async def test_names_of_hosts() -> None:
    environ = {
        "ACCOUNT_DB_URL": f"mongodb://user:{HIDDEN}@127.0.0.1:1,no-such-host.invalid:27017/accounts",
        "KAFKA_BROKERS": "localhost:9092,[::1]:9092",
    }
    (line,) = await lines(local_checks.check_names, environ)
    assert line.startswith("failed names: ACCOUNT_DB_URL: no address of the host no-such-host.invalid: ")
    assert await lines(local_checks.check_names, {"KAFKA_BROKERS": "localhost:9092"}) == [
        "ok names: 1 host names have addresses"
    ]


def tls_variables(files: TlsFiles) -> dict[str, str]:
    """The variables that name the files."""
    paths = {"certificate": files.certificate, "key": files.key, "authorities": files.authorities}
    return {VARIABLES[role]: str(paths[role]) for role in VARIABLES}


@pytest.fixture
def authority(tmp_path: Path) -> TestAuthority:
    return TestAuthority(tmp_path / "certificates")


def of_operator(authority: TestAuthority) -> TlsFiles:
    return authority.write("operator", authority.issue("spiffe://mosafe/operator"))


async def test_certificates(authority: TestAuthority, tmp_path: Path) -> None:
    good = of_operator(authority)
    other = TestAuthority(tmp_path / "other")
    begun = now() - timedelta(minutes=50)
    due = Authority(authority.authority.issued, lambda: begun).issue(Subject("spiffe://mosafe/operator"), HOUR)
    old = TestAuthority(tmp_path / "old", Authority.create("test", HOUR, clock=lambda: begun))
    for files, line in (
        (good, "ok tls: the certificate of spiffe://mosafe/operator is valid until "),
        (good._replace(key=other.files("x").key), "failed tls: the key "),
        (good._replace(authorities=other.files("x").authorities), "failed tls: the certificate "),
        (authority.write("expired", authority.expired("spiffe://mosafe/operator")), "failed tls: the certificate "),
        (authority.write("due", due), "warning tls: the certificate of spiffe://mosafe/operator expires at "),
        (old.write("x", old.issue("spiffe://mosafe/operator")), "warning tls: authority 1 of 1 in "),
        (good._replace(certificate=tmp_path / "none"), "failed tls: cannot read "),
    ):
        one_that_starts(await lines(tls_check.check_tls, tls_variables(files)), line)
    (unset,) = await tls_check.check_tls(Context({"MOSAFE_TLS_KEY_FILE": "x"}, {}, []))
    assert unset.text.startswith("MOSAFE_TLS_CERT_FILE: not set, but MOSAFE_TLS_KEY_FILE is set")
    one_that_starts(await lines(tls_check.check_tls, {"MOSAFE_DATA_DIR": str(tmp_path)}), "ok tls: mutual TLS is not")


async def test_what_a_platform_of_this_machine_has_left_is_not_a_failure(tmp_path: Path) -> None:
    folder = CertificateFolder(tmp_path / "certs")
    folder.init()
    folder.issue("operator")
    environ = {"MOSAFE_DATA_DIR": str(tmp_path)}
    one_that_starts(await lines(tls_check.check_tls, environ), "ok tls: the certificate of spiffe://mosafe/operator ")
    CertificateFolder(folder.path, clock=lambda: now() - timedelta(days=20)).issue("operator")
    one_that_starts(await lines(tls_check.check_tls, environ), "warning tls: the certificate ")


READY = {"/health/ready": (200, {"status": "ready"})}


async def test_the_doctor_calls_with_the_certificate_of_the_operator(authority: TestAuthority, tmp_path: Path) -> None:
    own = {**tls_variables(of_operator(authority)), "MOSAFE_DATA_DIR": str(tmp_path)}
    files = {name: authority.write(name, authority.issue(f"spiffe://mosafe/{name}")) for name in ("auth", "account")}
    forbidden = {"/health/ready": (403, "forbidden")}
    with (
        answering(READY, files["auth"]) as auth,
        answering(READY, files["account"]) as imposter,
        answering(READY) as plain,
        answering(forbidden, authority.write("router", authority.issue("spiffe://mosafe/router"))) as router,
        answering(READY, authority.write("rest", authority.expired("spiffe://mosafe/rest"))) as rest,
    ):
        ports = dict(zip(PORT_VARIABLES, map(str, (auth, plain, imposter, router, rest)), strict=True))
        found = await lines(process_checks.check_ports, {**own, **ports})
    starts = (
        f"ok port auth: https://127.0.0.1:{auth} is ready; its certificate is valid until ",
        f"failed port account: https://127.0.0.1:{plain}: TLS_HANDSHAKE_FAILED: ",
        f"failed port transaction: https://127.0.0.1:{imposter}: TLS_WRONG_IDENTITY: ",
        f"failed port router: https://127.0.0.1:{router}: the process may not be called with this certificate",
        f"failed port rest: https://127.0.0.1:{rest}: TLS_CERTIFICATE_EXPIRED: ",
    )
    assert [line.startswith(start) for line, start in zip(found, starts, strict=True)] == [True] * 5, found


async def test_a_process_says_at_its_port_for_probes_what_it_cannot_say_to_a_stranger(
    authority: TestAuthority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = TestAuthority(tmp_path / "other")
    stranger = other.write("x", other.issue("spiffe://mosafe/operator"))
    served = authority.write("auth", authority.issue("spiffe://mosafe/auth"))
    with answering(READY, served) as port, answering(READY) as probes:
        monkeypatch.setattr(process_checks, "_port_for_probes", lambda _: probes)
        environ = {**tls_variables(stranger), "AUTH_PORT": str(port)}
        (line, *_) = await lines(process_checks.check_ports, environ)
    assert line.startswith(f"failed port auth: https://127.0.0.1:{port}: TLS_UNKNOWN_AUTHORITY: ")
    assert line.endswith(f"; at its port for probes, {probes}, it says: ready")


async def test_a_platform_of_this_machine_is_called_as_it_runs(tmp_path: Path) -> None:
    """The files of `mosafe up --mtls` are there, and some process runs without mutual TLS."""
    folder = CertificateFolder(tmp_path / "certs")
    folder.init()
    for name in ("operator", "auth"):
        folder.issue(name)
    environ = {"MOSAFE_DATA_DIR": str(tmp_path)}
    with answering(READY, folder.files("auth")) as auth, answering(READY) as account:
        found = await lines(
            process_checks.check_ports, {**environ, "AUTH_PORT": str(auth), "ACCOUNT_PORT": str(account)}
        )
    one_that_starts(found, f"ok port auth: https://127.0.0.1:{auth} is ready; its certificate is valid until ")
    one_that_starts(found, f"ok port account: http://127.0.0.1:{account} is ready")


async def test_a_certificate_of_a_process_that_expires_soon(authority: TestAuthority) -> None:
    begun = now() - timedelta(minutes=50)
    subject = Subject("spiffe://mosafe/auth", ("localhost",), ("127.0.0.1",))
    due = authority.write("auth", Authority(authority.authority.issued, lambda: begun).issue(subject, HOUR))
    with answering(READY, due) as port:
        environ = {**tls_variables(of_operator(authority)), "AUTH_PORT": str(port)}
        (line, *_) = await lines(process_checks.check_ports, environ)
    assert line.startswith(f"warning port auth: https://127.0.0.1:{port} is ready; its certificate expires at ")


def _without_check(files: TlsFiles) -> ssl.SSLContext:
    """A context of a server, which the product would refuse if the certificate had expired."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    context.load_verify_locations(files.authorities)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


@contextmanager
def answering(responses: Mapping[str, tuple[int, object]], tls: TlsFiles | None = None) -> Iterator[int]:
    """The port of a server that answers paths with a status and a JSON value; with mutual TLS, if it has files."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            status, body = responses.get(self.path, (404, "not found"))
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET  # noqa: N815 - a name of the standard library

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = _without_check(tls).wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def test_ports() -> None:
    ready = {"/health/ready": (200, {"status": "ready"})}
    not_ready = {"/health/ready": (503, {"status": "not ready", "failing": ["store", "keys"]})}
    with answering(ready) as first, answering(not_ready) as second, answering({}) as third:
        free = free_ports(2)
        numbers = [first, second, third, *free]
        environ = dict(zip(PORT_VARIABLES, map(str, numbers), strict=True))
        assert await lines(process_checks.check_ports, environ) == [
            f"ok port auth: http://127.0.0.1:{first} is ready",
            f"failed port account: http://127.0.0.1:{second} is not ready: store, keys",
            f"failed port transaction: another program, or one that hangs, listens on http://127.0.0.1:{third}",
            f"warning port router: nothing listens on 127.0.0.1:{free[0]}",
            f"warning port rest: nothing listens on 127.0.0.1:{free[1]}",
        ]
    one_that_starts(await lines(process_checks.check_ports, {"AUTH_PORT": "x"}), "failed port auth: AUTH_PORT: ")


@contextmanager
def serving_schemas(tls: Mapping[str, TlsFiles] | None = None, **changed: str) -> Iterator[dict[str, str]]:
    """The variables with the ports of three subgraphs that serve their schemas, or those of `changed`."""
    servers = [
        answering(
            {"/graphql": (200, {"data": {"_service": {"sdl": changed.get(name, sdl_of(name))}}})}, (tls or {}).get(name)
        )
        for name in SUBGRAPHS
    ]
    with servers[0] as auth, servers[1] as account, servers[2] as transaction:
        ports = {"AUTH_PORT": auth, "ACCOUNT_PORT": account, "TRANSACTION_PORT": transaction}
        yield {"SUBGRAPH_SIGNATURES": "off", **{name: str(port) for name, port in ports.items()}}


async def test_the_supergraph_is_that_of_the_running_subgraphs() -> None:
    with serving_schemas() as environ:
        assert await lines(process_checks.check_supergraph, environ) == [
            "ok supergraph: is composed from the schemas of the running subgraphs"
        ]
        port = environ["ACCOUNT_PORT"] = str(free_ports(1)[0])
        assert await lines(process_checks.check_supergraph, environ) == [
            "warning supergraph: not compared, no schema of: account (does not respond)"
        ], port
    with serving_schemas(auth=sdl_of("auth") + "\ntype Query { brandNew: Int }") as environ:
        one_that_starts(await lines(process_checks.check_supergraph, environ), "failed supergraph: ")


async def test_the_schemas_are_compared_over_mutual_tls(authority: TestAuthority) -> None:
    files = {name: authority.write(name, authority.issue(f"spiffe://mosafe/{name}")) for name in SUBGRAPHS}
    with serving_schemas(files) as environ:
        assert await lines(process_checks.check_supergraph, {**environ, **tls_variables(of_operator(authority))}) == [
            "ok supergraph: is composed from the schemas of the running subgraphs"
        ]


async def test_the_router_signs_and_so_does_the_doctor(tmp_path: Path) -> None:
    with serving_schemas() as environ:
        signed = {**environ, "SUBGRAPH_SIGNATURES": "on", "MOSAFE_DATA_DIR": str(tmp_path)}
        (line,) = await lines(process_checks.check_supergraph, signed)
        assert "auth (the secret of signatures cannot be read)" in line
        (tmp_path / "secrets").mkdir()
        key = tmp_path / "secrets" / "signatures.key"
        key.touch(0o600)
        key.write_text("c4" * 20)
        assert "ok supergraph: " in (await lines(process_checks.check_supergraph, signed))[0]


async def test_sqlite_stores(tmp_path: Path) -> None:
    path = tmp_path / "account.sqlite3"
    environ = {"MOSAFE_DATA_DIR": str(tmp_path)}

    async def line() -> str:
        found = await lines(server_checks.check_stores, environ)
        return next(each for each in found if " store account: " in each)

    assert await line() == f"warning store account: {path} does not exist"
    await (await Database.open(path, MIGRATIONS)).close()
    newest = MIGRATIONS[-1].number
    assert await line() == f"ok store account: {path}, schema version {newest}"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {newest - 1}")
    assert await line() == f"warning store account: {path}, schema version {newest - 1} of {newest}"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 999")
    assert (await line()).startswith(f"failed store account: {path}, schema version 999 of a newer release")
    StoreRecords(tmp_path).replace({"account": StoreState("f" * 24, 5)})
    found = await lines(server_checks.check_stores, environ)
    one_that_starts(found, "failed store account: The account store is not the one of this data directory")
    path.write_bytes(b"not a database, but long enough to be read as one" * 99)
    assert (await line()).startswith(f"failed store account: the database {path}")


async def test_a_store_in_postgresql(postgres_url: str, tmp_path: Path) -> None:
    environ = {"MOSAFE_DATA_DIR": str(tmp_path), "AUTH_DB_URL": postgres_url}
    found = await lines(server_checks.check_stores, environ)
    assert one_that_starts(found, "warning store auth: PostgreSQL ").endswith("has no store yet")
    connection = await asyncpg.connect(postgres_url)
    await connection.execute(
        "CREATE TABLE store_identity (id TEXT, changes BIGINT); INSERT INTO store_identity VALUES ('a', 1);"
        "CREATE TABLE migrations (number INT, name TEXT); INSERT INTO migrations VALUES (1, 'x')"
    )
    found = await lines(server_checks.check_stores, environ)
    assert "schema version 1 of " in one_that_starts(found, "warning store auth: PostgreSQL ")
    await connection.execute("UPDATE migrations SET number = 999")
    await connection.close()
    found = await lines(server_checks.check_stores, environ)
    assert "schema version 999 of a newer release" in one_that_starts(found, "failed store auth: PostgreSQL ")
    environ["AUTH_DB_URL"] = f"postgresql://user:{HIDDEN}@127.0.0.1:{free_ports(1)[0]}/auth"
    found = await lines(server_checks.check_stores, environ)
    one_that_starts(found, "failed store auth: AUTH_DB_URL: the PostgreSQL server does not respond")


async def test_a_store_in_mongodb(mongo_url: str, tmp_path: Path) -> None:
    environ = {"MOSAFE_DATA_DIR": str(tmp_path), "ACCOUNT_DB_URL": mongo_url}
    found = await lines(server_checks.check_stores, environ)
    assert one_that_starts(found, "warning store account: MongoDB ").endswith("has no store yet")
    client: MongoClient[dict[str, Any]]
    with MongoClient(mongo_url) as client:
        database: MongoDatabase[dict[str, Any]] = client.get_default_database()
        database["store_identity"].insert_one({"id": "a"})
        marks: Any = database[MARKS]
        marks.insert_many([{"_id": 1}, {"_id": RESTORING}])
    found = await lines(server_checks.check_stores, environ)
    assert "schema version 1 of " in one_that_starts(found, "warning store account: MongoDB ")
    assert one_that_starts(found, "failed store account: MongoDB ").endswith("a restore was interrupted")
    environ["ACCOUNT_DB_URL"] = f"mongodb://user:{HIDDEN}@127.0.0.1:{free_ports(1)[0]}/accounts"
    found = await lines(server_checks.check_stores, environ)
    one_that_starts(found, "failed store account: ACCOUNT_DB_URL: 127.0.0.1:")


async def test_redis(redis_url: str) -> None:
    one_that_starts(await lines(server_checks.check_redis, {"REDIS_URL": redis_url}), "ok redis: Redis ")
    wrong = {"REDIS_URL": f"redis://user:{HIDDEN}@127.0.0.1:{free_ports(1)[0]}"}
    assert await lines(server_checks.check_redis, wrong) == ["failed redis: REDIS_URL: does not respond"]
    one_that_starts(await lines(server_checks.check_redis, {}), "ok redis: not configured")


async def test_kafka(kafka_brokers: str) -> None:
    environ = {"KAFKA_BROKERS": kafka_brokers}
    one_that_starts(await lines(server_checks.check_kafka, environ), "warning kafka: has no topics ")
    async with AIOKafkaProducer(bootstrap_servers=kafka_brokers) as producer:
        for topic in (ACCOUNTS, EXPORTS, FRAUD, TRANSACTIONS):
            await producer.send_and_wait(topic, b"creates the topic")
    assert await lines(server_checks.check_kafka, environ) == ["ok kafka: has the 4 topics"]
    away = {"KAFKA_BROKERS": f"127.0.0.1:{free_ports(1)[0]}"}
    one_that_starts(await lines(server_checks.check_kafka, away), "failed kafka: KAFKA_BROKERS: 127.0.0.1:")


@pytest.mark.parametrize(("seconds", "status"), [(1.9, None), (-2.5, "warning"), (5.1, "failed"), (-60, "failed")])
def test_clocks(seconds: float, status: str | None) -> None:
    assert [finding.status for finding in clock_finding("x", seconds)] == ([] if status is None else [status])


async def test_the_age_of_backups(tmp_path: Path) -> None:
    one_that_starts(await lines(local_checks.check_backups, {}), "warning backups: there are none")
    environ = {"BACKUP_TO": str(tmp_path)}
    one_that_starts(await lines(local_checks.check_backups, environ), "failed backups: BACKUP_NOT_FOUND: ")


async def test_a_check_that_hangs_or_fails_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(_: Context) -> list[Finding]:
        await asyncio.Event().wait()
        return []

    async def fail(_: Context) -> list[Finding]:
        raise ValueError(HIDDEN)

    async def pass_(_: Context) -> list[Finding]:
        return [ok("good", "fine")]

    monkeypatch.setattr(run_checks, "MAX_SECONDS", 0.05)
    found = await run_checks.run_checks({}, {"hangs": hang, "fails": fail, "good": pass_})
    assert [(each.check, each.status) for each in found] == [("hangs", "failed"), ("fails", "failed"), ("good", "ok")]
    assert HIDDEN not in str(found)


def test_the_exit_code_is_that_of_the_worst_finding() -> None:
    good, odd, bad = ok("a", "b"), warning("a", "b", "c"), failed("a", "b", "c")
    assert [exit_code(found) for found in ([], [good], [good, odd], [bad, odd])] == [0, 0, 1, 2]


def test_the_command(tmp_path: Path) -> None:
    ports = dict(zip(PORT_VARIABLES, map(str, free_ports(5)), strict=True))
    environ = {"MOSAFE_DATA_DIR": str(tmp_path), **ports}
    result = CliRunner(env=environ).invoke(command, ["doctor", "--json"])
    findings = json.loads(result.output)
    assert {each["check"] for each in findings} >= {"settings", "secrets", "disk", "tls", "store auth", "port rest"}
    assert result.exit_code == (2 if any(each["status"] == "failed" for each in findings) else 1)
    text = CliRunner(env={**environ, "AUTH_PORT": "x"}).invoke(command, ["doctor"])
    assert text.exit_code == 2
    assert text.output.startswith("failed   settings")
    assert list(tmp_path.iterdir()) == [], "nothing is created"
