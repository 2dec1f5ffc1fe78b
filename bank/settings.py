"""The settings that every service of the bank has: those of any process, with the bank's table of variables."""

from __future__ import annotations

from typing import ClassVar

from bank.variables import VARIABLES
from servicekit.settings import ProcessSettings
from servicekit.variables import VariableTable


class BankSettings(ProcessSettings):
    """Settings that may share an environment with every other service of the bank."""

    variables: ClassVar[VariableTable] = VARIABLES
