"""Runs `mosafe account ledger check` on the ledger of a test."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from click.testing import CliRunner

from servicekit.settings import variable_names
from subgraphs.account.cli import command
from subgraphs.account.settings import AccountSettings

if TYPE_CHECKING:
    from collections.abc import Mapping


async def check_ledger(variables: Mapping[str, str]) -> str:
    """Return the output of the command, which must find nothing. It gets those of `variables` that it knows."""
    known = {name: value for name, value in variables.items() if name in variable_names(AccountSettings)}
    runner = CliRunner(env={**dict.fromkeys(os.environ), **known})
    result = await asyncio.to_thread(runner.invoke, command, ["ledger", "check"])
    assert result.exit_code == 0, result.output
    return result.output
