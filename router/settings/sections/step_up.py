"""`authorization.step_up`: fields for which a client must have logged in recently, or in a certain way (RFC 9470)."""

# ruff: noqa: TC001  (pydantic evaluates the annotations of its models at run time)

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from router.settings.section import Section
from router.settings.types import Duration

Coordinate = Annotated[str, Field(pattern=r"^[_A-Za-z][_0-9A-Za-z]*\.(\*|[_A-Za-z][_0-9A-Za-z]*)$")]
"""A field such as `Mutation.transfer`, or all fields of a type, such as `Card.*`."""

AcrValue = Annotated[str, Field(pattern=r"^[!#-\[\]-~]+$")]
"""An authentication context class. It is sent in a quoted text, so quotes, backslashes and spaces are not allowed."""


class StepUpRule(Section):
    """A rule: which operations need a stronger or a more recent login, and what the login must be like."""

    fields: tuple[Coordinate, ...] = ()
    """The rule applies to operations that select one of these fields, for example `Mutation.transfer`. `Card.*` means
    all fields of the type `Card`."""
    operations: tuple[Literal["query", "mutation", "subscription"], ...] = ()
    """The rule applies to all operations of these kinds too."""
    acr_values: tuple[AcrValue, ...] = ()
    """The claim `acr` of the access token must have one of these values. The challenge lists them in this order, the
    preferred value first. If the list is empty, any login suffices."""
    max_age: Duration | None = None
    """The maximum time since the login (the claim `auth_time` of the access token). Null: any time."""

    @model_validator(mode="after")
    def _has_an_effect(self) -> StepUpRule:
        if not self.fields and not self.operations:
            raise ValueError("give `fields` or `operations`, to which the rule applies")
        if not self.acr_values and self.max_age is None:
            raise ValueError("give `acr_values` or `max_age`, which the login must meet")
        return self
