"""The variables `MOSAFE_TLS_*`: all or none, and each mistake names its variable."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pytest

from servicekit.errors import ConfigurationError
from servicekit.settings import ProcessSettings, load
from servicekit.tls.process_files import VARIABLES, process_client_context, process_server_context
from tests.certificates import TestAuthority

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def authority(tmp_path: Path) -> TestAuthority:
    return TestAuthority(tmp_path)


@pytest.mark.parametrize("given", list(product([True, False], repeat=3)))
def test_all_variables_are_set_or_none(authority: TestAuthority, given: tuple[bool, ...]) -> None:
    files = authority.files("ann")
    environ = {name: str(path) for name, path, is_set in zip(VARIABLES.values(), files, given, strict=True) if is_set}
    settings = load(ProcessSettings, environ)
    if all(given):
        assert settings.tls_files == files
    elif not any(given):
        assert settings.tls_files is None
    else:
        with pytest.raises(ConfigurationError, match=r"not set, but MOSAFE_TLS_.* is set") as caught:
            _ = settings.tls_files
        assert caught.value.variable in VARIABLES.values()
        assert caught.value.variable not in environ


def test_a_file_that_cannot_be_used_is_reported_with_its_variable(authority: TestAuthority, tmp_path: Path) -> None:
    files = authority.files("ann")
    for index, name in enumerate(VARIABLES.values()):
        wrong = files._replace(**{files._fields[index]: tmp_path / "none.pem"})
        for make in (process_server_context, process_client_context):
            with pytest.raises(ConfigurationError, match=f"^{name}: cannot read .*none.pem"):
                make(wrong)


def test_the_certificate_of_another_process_is_refused(authority: TestAuthority) -> None:
    files = authority.files("ann")
    process_server_context(files, identity="spiffe://test/ann")
    with pytest.raises(ConfigurationError, match="is for spiffe://test/ann, but this process is spiffe://test/bob"):
        process_server_context(files, identity="spiffe://test/bob")
