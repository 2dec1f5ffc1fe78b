"""What the GraphQL fields that take a password have in common."""

from __future__ import annotations

from typing import Final

import strawberry

from subgraphs.auth.password_rules import MIN_LENGTH
from subgraphs.kit.graphql_problems import Problem

# The cost of a field that hashes a password. A hash takes about 25 ms of CPU time, hundreds of times as long as a
# simple field.
PASSWORD_COST: Final = 100


@strawberry.type(description="Another user has the e-mail address.")
class EmailTaken(Problem):
    @classmethod
    def new(cls) -> EmailTaken:
        return cls(code="EMAIL_TAKEN", message="This e-mail address is already registered")


@strawberry.type(description="The password is too easy to guess.")
class WeakPassword(Problem):
    minimum_length: int = strawberry.field(description="The minimum number of characters of a password.")

    @classmethod
    def because(cls, reason: str) -> WeakPassword:
        return cls(code="WEAK_PASSWORD", message=reason, minimum_length=MIN_LENGTH)


@strawberry.type(description="The e-mail address is unknown or the password is wrong.")
class InvalidCredentials(Problem):
    pass
