"""The settings that every service of the bank has: `ProcessSettings` with the bank's table of variables."""

from __future__ import annotations

from typing import ClassVar

from bank.variables import VARIABLES
from servicekit.settings import ProcessSettings
from servicekit.variables import VariableTable


class BankSettings(ProcessSettings):
    """Settings of a service whose environment may also contain the variables of the other services."""

    variables: ClassVar[VariableTable] = VARIABLES
