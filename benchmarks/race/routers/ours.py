"""This router, started as `router serve`."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import jwt

from benchmarks.race.routers.router import Command, Options, Place
from benchmarks.race.scenarios import Sharing

if TYPE_CHECKING:
    from collections.abc import Mapping

EXECUTABLE: Final = Path(sys.executable).with_name("router")
_SHARED_QUERIES: Final = {Sharing.NOTHING: False, Sharing.FETCHES: "all", Sharing.OPERATIONS: "all"}
# Signs the access tokens of the race, which no other program accepts.
_SECRET: Final = b"a secret of the race, of at least 32 bytes"
_TOKEN_SECONDS: Final = 36_000  # A full race takes at most a few hours.


@dataclass(frozen=True, slots=True)
class Ours:
    """This router. It writes a log line for each request, as it does by default; the lines are discarded.

    The race sends as many requests as the router can take, which `overload` would refuse in part.
    """

    name: str = "ours"
    title: str = "MoSafe router"
    language: str = "Python"
    has_default_policies: bool = True

    def version(self) -> str:
        result = subprocess.run([EXECUTABLE, "--version"], check=True, capture_output=True, text=True)  # noqa: S603 - ours
        return result.stdout.split()[-1]

    def shares(self, _sharing: Sharing) -> bool:
        return True

    def command(self, place: Place, options: Options) -> Command:
        return self._serve(place, self._settings(place, options))

    def _settings(self, place: Place, options: Options) -> dict[str, object]:
        return {
            "server": {"host": "127.0.0.1", "port": place.port, "workers": options.workers},
            "overload": {"busy_duration": None},
            "traffic": {
                "all": {"share_queries": _SHARED_QUERIES[options.sharing]},
                "share_operations": options.sharing is Sharing.OPERATIONS,
            },
        }

    def _serve(self, place: Place, settings: Mapping[str, object], headers: Mapping[str, str] | None = None) -> Command:
        config = place.folder / "router.yaml"
        config.write_text(json.dumps(settings), "utf-8")
        arguments = [str(EXECUTABLE), "serve", "--supergraph", str(place.supergraph), "--config", str(config)]
        return Command(arguments, discards_output=True, headers=headers or {})


@dataclass(frozen=True, slots=True)
class OursWithPolicies(Ours):
    """This router verifies access tokens, forwards headers, and has limits, as in most installations.

    Each request has the same token, as the requests of one client have.
    """

    name: str = "ours-policies"
    title: str = "MoSafe router, with header rules, JWT and limits"
    has_default_policies: bool = False

    def command(self, place: Place, options: Options) -> Command:
        keys = place.folder / "keys.json"
        encoded = base64.urlsafe_b64encode(_SECRET).decode().rstrip("=")
        keys.write_text(json.dumps({"keys": [{"kty": "oct", "kid": "k", "k": encoded}]}), "utf-8")
        claims = {"iss": "race", "aud": "shop", "sub": "ada", "scope": "read", "exp": int(time.time()) + _TOKEN_SECONDS}
        token = jwt.encode(claims, _SECRET, "HS256", {"kid": "k", "typ": "at+jwt"})
        issuer = {"issuer": "race", "audiences": ["shop"], "algorithms": ["HS256"], "keys": {"file": str(keys)}}
        forwarded = [{"propagate": {"named": name}} for name in ("authorization", "x-tenant")]
        settings = {
            **self._settings(place, options),
            "authentication": {"jwt": {"issuers": [issuer]}},
            "headers": {"all": {"request": [*forwarded, {"insert": {"name": "x-from", "value": "router"}}]}},
            "limits": {"depth": 15, "height": 200, "root_fields": 10, "aliases": 20, "body_bytes": 1_000_000},
        }
        return self._serve(place, settings, {"authorization": f"Bearer {token}", "x-tenant": "a"})
