from __future__ import annotations

from typing import TYPE_CHECKING

from mosafe.process_variables import variables_for
from mosafe.processes import PROCESSES, SANDBOX_PROVIDER, addresses
from mosafe.sandbox_provider.local_variables import local_variables
from mosafe.sandbox_provider.settings import SandboxProviderSettings
from servicekit.settings import load
from subgraphs.transaction.settings import TransactionSettings

if TYPE_CHECKING:
    from pathlib import Path

URL = "http://127.0.0.1:3003"


def test_both_processes_get_the_same_secrets_from_files_that_stay(tmp_path: Path) -> None:
    environ = {"MOSAFE_DATA_DIR": str(tmp_path), "SANDBOX_PROVIDER_PORT": "3999"}
    environ |= addresses(environ, (SANDBOX_PROVIDER, *PROCESSES))
    environ |= local_variables(environ, URL)
    assert local_variables(environ, URL) == {}
    transaction = next(process for process in PROCESSES if process.name == "transaction")
    provider = load(SandboxProviderSettings, variables_for(SANDBOX_PROVIDER, environ))
    service = load(TransactionSettings, variables_for(transaction, environ))
    assert service.payments.url == "http://127.0.0.1:3999"
    assert service.payments.key == provider.key
    assert service.webhook_secrets == provider.webhook_secrets
    assert len(provider.webhook_secrets) == 1
    assert provider.webhook_url == f"{URL}/webhooks/payments"
    assert "MOSAFE_SERVICE_SECRET" not in variables_for(SANDBOX_PROVIDER, environ | {"MOSAFE_SERVICE_SECRET": "x" * 32})


def test_what_the_user_has_set_stays(tmp_path: Path) -> None:
    environ = {
        "MOSAFE_DATA_DIR": str(tmp_path),
        "PAYMENT_PROVIDER_KEY": "k" * 32,
        "PAYMENT_WEBHOOK_SECRET_FILE": "/run/secrets/webhooks",
        "SANDBOX_PROVIDER_WEBHOOK_URL": "http://bank.example/webhooks/payments",
    }
    assert local_variables(environ, URL) == {}
    assert list(tmp_path.iterdir()) == []
