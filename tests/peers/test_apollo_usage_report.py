"""The usage report of the tests is what Apollo's package writes.

`python -m tests.peers.test_apollo_usage_report` writes the file anew.
"""

from __future__ import annotations

import base64
import textwrap
from typing import TYPE_CHECKING

from tests.peers.peers import Peers
from tests.router.usage.apollo_report import FILE, REPORT, encoded

if TYPE_CHECKING:
    from tests.peers.peers import Peers as RunningPeers


def test_the_report_is_encoded_by_apollo(peers: RunningPeers) -> None:
    assert peers.usage_report(REPORT) == encoded()


if __name__ == "__main__":
    with Peers() as started:
        text = base64.b64encode(started.usage_report(REPORT)).decode("ascii")
    FILE.write_text("\n".join(textwrap.wrap(text, 100)) + "\n", encoding="ascii")
