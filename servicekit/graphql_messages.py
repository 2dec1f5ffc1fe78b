"""Removes values from the messages of graphql-core, because a value may be a password.

graphql-core repeats the literal or the value that it refuses, with all the fields of an input object:
`Expected value of type 'Login' not to include unknown field 'x', found: {password: "secret", x: 1}.` Clients show
messages to people and write them to logs. The names of types, fields, arguments and variables stay in the message.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

# The start of messages about a variable, and about an argument that contains variables. They have a path of field names
# and indexes.
_PLACE: Final = r"((?:(?:Variable '\$\w+'|Argument '\w+')[^:]*: )?"
_SUGGESTION: Final = r" Did you mean (?:the enum value )?'\w+'(?:, '\w+')*(?:,? or '\w+')?\?"

# The forms of the messages that end with or contain a value. The parts in groups are kept. A value can contain any
# text, also text that looks like the rest of a message. So a form matches whole messages, and a part after a value is
# found from the end of the message.
_FORMS: Final = (
    _PLACE + r"Expected value of type '\w+' (?:to be an object|to include required field '\w+')), found: .*",
    _PLACE + r"Expected value of type '\w+' not to include unknown field '\w+')"
    rf"(?:, found|(\.{_SUGGESTION}) Found): .*",
    # The key of a JSON object can be any text. Only names are kept.
    _PLACE + r"Expected value of type '\w+' not to include unknown field) '.*",
    _PLACE + r"Expected value of type '\w+'), (?:found|but encountered error).*",
    _PLACE + rf"Value) '.*'( does not exist in '\w+' enum\.)({_SUGGESTION})?",
    _PLACE + rf"Enum '\w+' cannot represent non-(?:enum|string) value): .*?(\.(?:{_SUGGESTION})?)",
    _PLACE + r"\w+ cannot represent [\w -]+): .*",
    r"(Syntax Error: (?:Expected .+?, found|Unexpected) (?:String|BlockString|Int|Float)) '.*",
    r"(Syntax Error: Invalid (?:Unicode|character) escape sequence): .*",
)


@cache
def _patterns() -> tuple[re.Pattern[str], ...]:
    """Compile the forms. This takes two milliseconds, and few processes need it when they start."""
    return tuple(re.compile(form, re.DOTALL | re.ASCII) for form in _FORMS)


def without_values(message: str) -> str:
    """Return a message of graphql-core without the literal or the value that it repeats. Others are not changed."""
    for form in _patterns():
        if match := form.fullmatch(message):
            kept = "".join(filter(None, match.groups()))
            return kept if kept.endswith((".", "?")) else f"{kept}."
    return message
