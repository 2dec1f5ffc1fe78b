"""Splits regular SDL into tokens by one regular expression."""

from __future__ import annotations

import re
from typing import Final

# Matches one token and the ignored characters before it. A character that begins no token is in the last group.
TOKEN: Final = re.compile(
    r"(?:[ \t,\n\r\ufeff]++|\#[^\n\r\ud800-\udfff]*+)*+"
    r"(?:([A-Za-z_]\w*+|[!&():=@\[\]{|}]"
    r'|"""(?:[^"\\]|\\"""|\\|"{1,2}+(?!"))*+"""|"(?:[^"\\\n\r\ud800-\udfff]|\\.)*+"(?!")'
    r"|-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][+-]?[0-9]++)?+(?![\w.]))|\Z|([\s\S]))",
    re.ASCII,
)
# The last entry in the list of tokens. It stands for the end of the text, and no token is equal to it.
END: Final = "\0"


class Irregular(Exception):
    """The text is not only regular type definitions: graphql-core must parse it."""


def split_into_tokens(body: str) -> tuple[list[str], list[int]]:
    """Return the texts and the positions of the tokens. The last entry of both lists stands for the end of the text."""
    texts, starts = [], []
    for match in TOKEN.finditer(body):
        text = match[1]
        if text is None:
            if match[2] is not None:
                raise Irregular
            break
        texts.append(text)
        starts.append(match.end() - len(text))
    texts.append(END)
    starts.append(len(body))
    return texts, starts
