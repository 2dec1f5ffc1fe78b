"""`python -m servicekit.health_probe`: the health check of a container, which has no curl.

It asks the port for probes (`MOSAFE_HEALTH_PORT`) of the process in the same container whether it is ready. The exit
code is 0 if it is, otherwise 1. It imports only the standard library, because a container engine runs
it every few seconds.
"""

from __future__ import annotations

import http.client
import os
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

PATH: Final = "/health/ready"
# Longer than the checks of a process may take (servicekit.health), and shorter than the limit of the container engine.
TIMEOUT_SECONDS: Final = 4.0


def probe(environ: Mapping[str, str]) -> str | None:
    """Return None if the process is ready, otherwise the reason why it is not."""
    port = environ.get("MOSAFE_HEALTH_PORT", "")
    if not (port.isascii() and port.isdigit()):
        return "MOSAFE_HEALTH_PORT is not a port"
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", PATH)
        response = connection.getresponse()
        body = response.read(1000).decode(errors="replace")
    except (OSError, http.client.HTTPException, OverflowError) as error:
        return f"no response from port {port}: {error}"
    finally:
        connection.close()
    return None if response.status == http.HTTPStatus.OK else f"{response.status} {body}"


if __name__ == "__main__":
    sys.exit(probe(os.environ))
