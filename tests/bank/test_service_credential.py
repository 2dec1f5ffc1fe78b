from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

import jwt
import pytest

from bank.identity import LEEWAY_SECONDS
from bank.secret_file import read_or_create_secret
from bank.service_credential import ACCOUNT_INTERNAL, LIFETIME_SECONDS, ServiceCredential
from servicekit.errors import StartupError, Unauthenticated
from servicekit.settings import ProcessSettings, load
from tests.servicekit import processes

if TYPE_CHECKING:
    from pathlib import Path

SECRET = secrets.token_hex(16)


def test_a_service_with_the_same_secret_accepts_the_token() -> None:
    header = ServiceCredential(SECRET).authorization(service="transaction", audience=ACCOUNT_INTERNAL)
    assert ServiceCredential(SECRET).verify(header, audience=ACCOUNT_INTERNAL) == "transaction"


def test_a_token_is_valid_for_a_minute_plus_the_tolerance() -> None:
    def aged(seconds: float) -> str:
        credential = ServiceCredential(SECRET, clock=lambda: time.time() - seconds)
        return credential.authorization(service="transaction", audience=ACCOUNT_INTERNAL)

    verifier = ServiceCredential(SECRET)
    for good in (LIFETIME_SECONDS - 2, LIFETIME_SECONDS + LEEWAY_SECONDS - 2, 2 - LEEWAY_SECONDS):
        assert verifier.verify(aged(good), audience=ACCOUNT_INTERNAL)
    for bad in (LIFETIME_SECONDS + LEEWAY_SECONDS + 2, -LEEWAY_SECONDS - 2):
        with pytest.raises(Unauthenticated):
            verifier.verify(aged(bad), audience=ACCOUNT_INTERNAL)


def test_a_token_is_sent_again_while_it_is_young() -> None:
    now = [time.time()]
    credential = ServiceCredential(SECRET, clock=lambda: now[0])

    def header() -> str:
        return credential.authorization(service="transaction", audience=ACCOUNT_INTERNAL)

    first = header()
    now[0] += 19
    assert header() == first
    now[0] += 2
    second = header()
    assert second != first
    now[0] -= 10  # the clock was set back, so the token would be from the future
    assert header() not in {first, second}


def test_a_token_that_was_verified_before_is_refused_when_it_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    now = int(time.time())
    credential = ServiceCredential(SECRET, clock=lambda: now)
    header = credential.authorization(service="transaction", audience=ACCOUNT_INTERNAL)
    verifier = ServiceCredential(SECRET)
    verifier.verify(header, audience=ACCOUNT_INTERNAL)
    with pytest.raises(Unauthenticated):
        verifier.verify(header, audience="other")
    expired = header_of(now - LIFETIME_SECONDS - LEEWAY_SECONDS - 1)
    monkeypatch.setattr("bank.service_credential.time.time", lambda: now + LIFETIME_SECONDS + LEEWAY_SECONDS + 1.0)
    monkeypatch.setattr("bank.service_credential.jwt.decode", _refuse)
    for each in (header, expired):
        with pytest.raises(Unauthenticated):
            verifier.verify(each, audience=ACCOUNT_INTERNAL)


def _refuse(*_args: object, **_options: object) -> None:
    """Stands for PyJWT, whose clock the test does not change: by the changed clock, the token has expired."""
    raise jwt.ExpiredSignatureError


def header_of(issued: int) -> str:
    return ServiceCredential(SECRET, clock=lambda: issued).authorization(
        service="transaction", audience=ACCOUNT_INTERNAL
    )


def claims(**changes: object) -> dict[str, object]:
    now = int(time.time())
    merged = {"iss": "transaction", "aud": ACCOUNT_INTERNAL, "iat": now, "exp": now + 60, **changes}
    return {name: value for name, value in merged.items() if value is not None}


def other_headers() -> dict[str, str | None]:
    """Headers that are refused. They are made when a test runs, because an expired one would be refused anyway."""
    now = int(time.time())
    return {
        "none": None,
        "empty": "",
        "scheme only": "Bearer",
        "scheme and space": "Bearer ",
        "no JWT": "Bearer x.y.z",
        "other scheme": "Basic dXNlcjpwYXNz",
        "other audience": f"Bearer {jwt.encode(claims(aud='other'), SECRET)}",
        "no audience": f"Bearer {jwt.encode(claims(aud=None), SECRET)}",
        "no end": f"Bearer {jwt.encode(claims(exp=None), SECRET)}",
        "no service": f"Bearer {jwt.encode(claims(iss=None), SECRET)}",
        "no beginning": f"Bearer {jwt.encode(claims(iat=None), SECRET)}",
        "other secret": f"Bearer {jwt.encode(claims(), 'x' * 32)}",
        "other algorithm": f"Bearer {jwt.encode(claims(), SECRET * 2, algorithm='HS512')}",
        "no algorithm": f"Bearer {jwt.encode(claims(), '', algorithm='none')}",
        "no scheme": jwt.encode(claims(), SECRET),
        # The verifier bounds issuer and lifetime: a leaked secret signs no token for years, nor one of another service.
        "other service": f"Bearer {jwt.encode(claims(iss='account'), SECRET)}",
        "empty service": f"Bearer {jwt.encode(claims(iss=''), SECRET)}",
        "a minute and a second": f"Bearer {jwt.encode(claims(exp=now + 61), SECRET)}",
        "ten years": f"Bearer {jwt.encode(claims(exp=now + 315_360_000), SECRET)}",
        "times as text": f"Bearer {jwt.encode(claims(iat=str(now), exp=str(now + 60)), SECRET)}",
        "times as fractions": f"Bearer {jwt.encode(claims(exp=time.time() + 60), SECRET)}",
    }


def test_the_refused_headers_differ_from_an_accepted_one_in_what_their_name_says() -> None:
    header = f"Bearer {jwt.encode(claims(), SECRET)}"
    assert ServiceCredential(SECRET).verify(header, audience=ACCOUNT_INTERNAL) == "transaction"


@pytest.mark.parametrize("name", other_headers())
def test_any_other_header_is_refused(name: str) -> None:
    header = other_headers()[name]
    with pytest.raises(Unauthenticated):
        ServiceCredential(SECRET).verify(header, audience=ACCOUNT_INTERNAL)


def test_the_variable_overrides_the_file(tmp_path: Path) -> None:
    environ = {"MOSAFE_DATA_DIR": str(tmp_path), "MOSAFE_SERVICE_SECRET": SECRET}
    header = ServiceCredential.load(load(ProcessSettings, environ)).authorization(
        service="transaction", audience=ACCOUNT_INTERNAL
    )
    assert ServiceCredential(SECRET).verify(header, audience=ACCOUNT_INTERNAL) == "transaction"
    assert not (tmp_path / "secrets").exists()


def test_without_the_variable_processes_of_one_data_directory_share_a_generated_secret(tmp_path: Path) -> None:
    settings = load(ProcessSettings, {"MOSAFE_DATA_DIR": str(tmp_path)})
    header = ServiceCredential.load(settings).authorization(service="transaction", audience=ACCOUNT_INTERNAL)
    assert ServiceCredential.load(settings).verify(header, audience=ACCOUNT_INTERNAL) == "transaction"


def test_the_generated_secret_is_private_and_long_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "service.key"
    secret = read_or_create_secret(path)
    assert len(bytes.fromhex(secret)) == 32
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert read_or_create_secret(path) == secret


def test_derived_keys_differ_by_purpose_and_are_stable() -> None:
    credential = ServiceCredential(SECRET)
    assert len(credential.derive_key("cursors")) == 32
    assert credential.derive_key("cursors") == ServiceCredential(SECRET).derive_key("cursors")
    assert credential.derive_key("cursors") != credential.derive_key("other")
    assert credential.derive_key("cursors") != ServiceCredential("x" * 32).derive_key("cursors")


@pytest.mark.parametrize("content", ["", "short", "ü" * 40])
def test_a_damaged_secret_file_stops_the_start(tmp_path: Path, content: str) -> None:
    path = tmp_path / "service.key"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(StartupError, match=r"service\.key"):
        read_or_create_secret(path)


def test_processes_that_start_at_the_same_moment_share_one_secret(tmp_path: Path) -> None:
    path = tmp_path / "new" / "secrets" / "service.key"
    program = (
        "import sys, pathlib\n"
        "from bank.secret_file import read_or_create_secret\n"
        "print('ready', flush=True); input()\n"
        "print(read_or_create_secret(pathlib.Path(sys.argv[1])))"
    )
    made = processes.at_once(program, str(path), processes=6)
    assert len(set(made)) == 1
    assert made[0].strip() == path.read_text()
    assert [entry.name for entry in path.parent.iterdir()] == ["service.key"]


def test_derived_keys_outlive_a_restart_and_are_the_same_on_each_replica(tmp_path: Path) -> None:
    def derived(folder: str, **variables: str) -> bytes:
        settings = load(ProcessSettings, {"MOSAFE_DATA_DIR": str(tmp_path / folder), **variables})
        return ServiceCredential.load(settings).derive_key("cursors")

    assert derived("one") == derived("one") != derived("two")
    assert derived("one", MOSAFE_SERVICE_SECRET=SECRET) == derived("two", MOSAFE_SERVICE_SECRET=SECRET)
