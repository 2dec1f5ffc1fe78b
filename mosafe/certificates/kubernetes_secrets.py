"""`SecretsApi`: Secrets of one namespace of Kubernetes, by the API server, for a pod with a service account.

Only three requests are needed: read, create and replace a Secret. So the image has no client for all of Kubernetes. A
replacement names the version that was read; if somebody else has changed the Secret meanwhile, the API server refuses.
"""

from __future__ import annotations

import json
import os
import ssl
from base64 import b64decode, b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.error import HTTPError
from urllib.request import HTTPSHandler, ProxyHandler, Request, build_opener

from servicekit.errors import StartupError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from urllib.request import OpenerDirector

# Where Kubernetes mounts the token of the service account, the authority of the API server, and the namespace.
SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
# The API server answers within milliseconds. A Job that hangs would hold back the next one.
_SECONDS: Final = 30


@dataclass(frozen=True, slots=True)
class Secret:
    """A Secret.

    Attributes:
        name: its name.
        kind: its type, such as `kubernetes.io/tls`. The API server does not let it change.
        data: the content of each file, by its name.
        version: what the API server calls `resourceVersion`; None for a Secret that does not exist yet.
    """

    name: str
    kind: str
    data: Mapping[str, str]
    version: str | None = None


class SecretsApi:
    """Reads and writes Secrets. All methods raise a `StartupError` if the API server refuses, or cannot be reached."""

    def __init__(self, server: str, namespace: str, *, token_file: Path, authority: Path) -> None:
        """`server` is the URL of the API server, `authority` the file with the authorities of its certificate."""
        self._url = f"{server}/api/v1/namespaces/{namespace}/secrets"
        self._token_file = token_file
        try:
            context = ssl.create_default_context(cafile=authority)
        except OSError as error:
            raise StartupError(f"cannot read the authority of the API server, {authority}: {error.strerror}") from error
        # Without a proxy: the API server is inside the cluster.
        self._opener: OpenerDirector = build_opener(ProxyHandler({}), HTTPSHandler(context=context))

    @classmethod
    def of_pod(cls, account: Path = SERVICE_ACCOUNT) -> SecretsApi:
        """Return the API of the namespace of this pod.

        Raises:
            StartupError: this process does not run in a pod with a service account.
        """
        host, port = os.environ.get("KUBERNETES_SERVICE_HOST"), os.environ.get("KUBERNETES_SERVICE_PORT_HTTPS", "443")
        try:
            namespace = (account / "namespace").read_text(encoding="ascii").strip()
        except OSError as error:
            raise StartupError(f"not a pod with a service account: {account}: {error.strerror}") from error
        if not host:
            raise StartupError("not a pod: KUBERNETES_SERVICE_HOST is not set")
        address = f"[{host}]" if ":" in host else host
        server = f"https://{address}:{port}"
        return cls(server, namespace, token_file=account / "token", authority=account / "ca.crt")

    def read(self, name: str) -> Secret | None:
        """Return a Secret, or None if it does not exist."""
        found = self._request("GET", f"/{name}", accept_missing=True)
        if found is None:
            return None
        data = {key: b64decode(value).decode("utf-8") for key, value in (found.get("data") or {}).items()}
        return Secret(name, found["type"], data, found["metadata"]["resourceVersion"])

    def write(self, secret: Secret) -> None:
        """Create a Secret, or replace the version of it that was read."""
        metadata = {"name": secret.name, "labels": {"app.kubernetes.io/part-of": "mosafe"}}
        document = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": metadata | ({"resourceVersion": secret.version} if secret.version else {}),
            "type": secret.kind,
            "data": {key: b64encode(value.encode("utf-8")).decode("ascii") for key, value in secret.data.items()},
        }
        if secret.version is None:
            self._request("POST", "", document)
        else:
            self._request("PUT", f"/{secret.name}", document)

    def _request(
        self, method: str, path: str, document: Mapping[str, Any] | None = None, *, accept_missing: bool = False
    ) -> Any:
        body = None if document is None else json.dumps(document).encode("utf-8")
        try:
            # The token is short-lived: Kubernetes replaces the file.
            token = self._token_file.read_text(encoding="ascii").strip()
            headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
            request = Request(self._url + path, body, headers, method=method)  # noqa: S310 - the URL is always https
            with self._opener.open(request, timeout=_SECONDS) as response:
                return json.load(response)
        except HTTPError as error:
            with error:
                if error.code == 404 and accept_missing:  # noqa: PLR2004 - the status of HTTP
                    return None
                # Its message says which right is missing; it repeats no data of the request.
                message = _message(error.read())
            raise StartupError(f"the API server refuses {method} {self._url}{path}: {error.code} {message}") from error
        except OSError as error:
            raise StartupError(f"cannot reach the API server at {self._url}: {error}") from error


def _message(body: bytes) -> str:
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return ""
