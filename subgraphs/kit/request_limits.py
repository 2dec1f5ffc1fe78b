"""The limits of one GraphQL request to a subgraph. `limit_checks` has the errors of requests that exceed them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

# The size of the largest accepted body. A body with a thousand representations has only about 100 KB.
MAX_BODY_BYTES: Final = 2_000_000
# The largest document: its tokens, its characters, and its selections with the fragments expanded. The time for
# parsing, validating and collecting fields grows with these numbers. Normal operations are much smaller, even if they
# have thirty aliases for each field of an object.
MAX_TOKENS: Final = 5_000
MAX_CHARACTERS: Final = 200_000
MAX_SELECTIONS: Final = 1_500
# The largest number of JSON values in the variables, and their deepest nesting. By default, a request may resolve 2,000
# objects. `MAX_VARIABLE_VALUES` is enough for 2,000 representations with five keys each.
MAX_VARIABLE_VALUES: Final = 12_000
MAX_VARIABLE_DEPTH: Final = 50


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """The limits of one request. Each limit can be set with an environment variable.

    Attributes:
        objects: how many objects the request may resolve. The number is estimated before the execution and counted
            during it.
        depth: how deeply its fields may be nested.
        aliases: how many fields may have an alias.
        seconds: how long the request may take. A trusted caller can set a shorter time.
        introspection: whether it may ask for the schema. If it may not, error messages do not name parts of the schema
            either.
    """

    objects: int = 2_000
    depth: int = 12
    aliases: int = 30
    seconds: float = 30.0
    introspection: bool = False
