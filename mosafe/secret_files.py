"""`mosafe secrets init`: the files with the secrets of a deployment, which containers mount (`NAME_FILE`).

Each file has mode 0600 and its own random content; there is no default password. A file that exists is never changed,
so the command may run before each start. The address of a server contains its password. It is made from the file of the
password, so the two cannot differ.

```
secrets/                 for the services: Docker secrets of docker-compose.yml, a Secret of Kubernetes
secrets/servers/         for the servers: passwords, the key file of MongoDB, the configuration of Redis
secrets/acme/            empty: Traefik keeps its account and its certificates of a public authority here
```
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex, token_urlsafe
from typing import TYPE_CHECKING, Final

import click

from servicekit.errors import StartupError
from servicekit.private_files import create_private_file, make_private_folder

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULT_FOLDER: Final = "secrets"
SERVERS: Final = "servers"
ACME: Final = "acme"


@dataclass(frozen=True, slots=True)
class SecretFile:
    """One file.

    Attributes:
        name: the path of the file in the folder.
        content: makes the content from the contents of the files before it.
    """

    name: str
    content: Callable[[dict[str, str]], str]

    @property
    def is_for_servers(self) -> bool:
        return self.name.startswith(f"{SERVERS}/")


def _random(_: dict[str, str]) -> str:
    """Return 256 random bits, as `openssl rand -hex 32` does."""
    return token_hex(32)


def _mongodb_url(user: str, database: str) -> Callable[[dict[str, str]], str]:
    def url(files: dict[str, str]) -> str:
        password = files[f"{SERVERS}/{user}_db_password"]
        # The name of the server is the alias of docker-compose.infra.yml, as in the variables of the README.
        return f"mongodb://{user}:{password}@{user}-db:27017/{database}?authSource={database}&replicaSet=rs0"

    return url


# The files in the order in which they are made.
FILES: Final = (
    SecretFile("mosafe_service_secret", _random),
    SecretFile("subgraph_signature_secret", _random),
    SecretFile("dpop_statement_secret", _random),
    SecretFile("auth_jwt_secret", _random),
    SecretFile("auth_audit_key", _random),
    SecretFile("account_ledger_key", _random),
    SecretFile(f"{SERVERS}/postgres_password", _random),
    SecretFile(f"{SERVERS}/mongodb_root_password", _random),
    # MongoDB accepts 6 to 1024 characters of base64.
    SecretFile(f"{SERVERS}/mongodb_keyfile", lambda _: token_urlsafe(96).replace("-", "+").replace("_", "/")),
    SecretFile(f"{SERVERS}/account_db_password", _random),
    SecretFile(f"{SERVERS}/transaction_db_password", _random),
    SecretFile(f"{SERVERS}/mongodb_exporter_password", _random),
    SecretFile(f"{SERVERS}/redis_password", _random),
    SecretFile(f"{SERVERS}/grafana_password", _random),
    # Redis reads its password from its configuration, so that it is not in the list of processes.
    SecretFile(f"{SERVERS}/redis.conf", lambda files: f"requirepass {files[f'{SERVERS}/redis_password']}"),
    # The exporter of Redis looks up its password by the address of the server.
    SecretFile(
        f"{SERVERS}/redis_exporter.json",
        lambda files: json.dumps({"redis://redis:6379": files[f"{SERVERS}/redis_password"]}),
    ),
    SecretFile(
        "auth_db_url", lambda files: f"postgresql://auth:{files[f'{SERVERS}/postgres_password']}@auth-db:5432/auth"
    ),
    SecretFile("account_db_url", _mongodb_url("account", "accounts")),
    SecretFile("transaction_db_url", _mongodb_url("transaction", "transactions")),
    SecretFile("redis_url", lambda files: f"redis://:{files[f'{SERVERS}/redis_password']}@cache:6379/0"),
)


@dataclass(frozen=True, slots=True)
class Owner:
    """The user and the group to whom a file is given, by number."""

    user: int
    group: int


class OwnerType(click.ParamType[Owner]):
    """The type of an option such as `--owner 10001:10001`."""

    name = "UID:GID"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Owner:
        user, _, group = str(value).partition(":")
        if not (user.isascii() and user.isdigit() and group.isascii() and group.isdigit()):
            self.fail(f"{value} is not a user and a group by number, such as 10001:10001", param, ctx)
        return Owner(int(user), int(group))


@click.group("secrets")
def command() -> None:
    """Make the secrets of a deployment."""


@command.command("init")
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), default=DEFAULT_FOLDER, show_default=True)
@click.option("--owner", type=OwnerType(), help="Who may read the files of the services; needs the rights of root.")
@click.option("--servers-owner", type=OwnerType(), help="Who may read the files of the servers.")
def init_command(folder: Path, owner: Owner | None, servers_owner: Owner | None) -> None:
    """Create each file that does not exist yet. Files that exist are not changed."""
    try:
        created = create_missing(folder, owner, servers_owner)
    except OSError as error:
        raise StartupError(f"cannot write {error.filename or folder}: {error.strerror}") from error
    for name in created:
        click.echo(f"created {folder / name}")
    click.echo(f"{folder}: {len(created)} of {len(FILES)} files created, {len(FILES) - len(created)} existed")


def create_missing(folder: Path, owner: Owner | None = None, servers_owner: Owner | None = None) -> list[str]:
    """Create the files of `FILES` that are missing in `folder`. Return their names.

    Raises:
        OSError: a file cannot be read, or not be written.
        StartupError: a folder or a file is not as it should be; the message has the command that mends it.
    """
    for path, reader in ((folder, owner), (folder / SERVERS, servers_owner), (folder / ACME, owner)):
        if reader is None:
            make_private_folder(path)
        else:  # a container engine may have made the folder already, for root
            path.mkdir(mode=0o700, exist_ok=True)
            _give(path, reader)
            path.chmod(0o700)
    contents: dict[str, str] = {}
    created = []
    for file in FILES:
        path = folder / file.name
        if not path.exists():
            create_private_file(path, file.content(contents) + "\n")
            _give(path, servers_owner if file.is_for_servers else owner)
            created.append(file.name)
        contents[file.name] = _read(path)
    return created


def _read(path: Path) -> str:
    content = path.read_text(encoding="utf-8").strip()
    if not content:
        raise StartupError(f"the secret file {path} is empty; delete it, and run the command again")
    return content


def _give(path: Path, owner: Owner | None) -> None:
    if owner is not None:
        os.chown(path, owner.user, owner.group, follow_symlinks=False)
