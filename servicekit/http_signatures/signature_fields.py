"""The headers `Signature-Input` and `Signature` of a request with one signature (RFC 9421 §4).

    Signature-Input: sig=("@method" "@path");created=1618884473;keyid="router";nonce="b3k2pp5k7z"
    Signature: sig=:pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=:

The values are dictionaries of Structured Fields (RFC 9651). Only values in the form that RFC 9651 §4.1 prescribes for
senders are read. So the text of the header is also the text that is signed as `@signature-params`.
"""

from __future__ import annotations

import base64
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

INPUT_HEADER: Final = "signature-input"
SIGNATURE_HEADER: Final = "signature"
LABEL: Final = "sig"

MAX_INPUT_LENGTH: Final = 2_048
"""The longest `Signature-Input` that is read. The one that this package writes has about 250 characters."""
MAX_SIGNATURE_LENGTH: Final = 256
"""The longest `Signature` that is read. With Ed25519, the value has 94 characters."""

_KEY: Final = r"[a-z*][a-z0-9_.*-]*"
# A string consists of runs of plain characters, with escapes between the runs. In this form, the regular expression
# takes one step for each run, and not for each character.
_STRING: Final = r'"[ !#-\[\]-~]*(?:\\["\\][ !#-\[\]-~]*)*"'
_INTEGER: Final = r"-?[0-9]{1,15}"
_INPUT: Final = re.compile(rf"({_KEY})=(\(((?:{_STRING}(?: {_STRING})*)?)\)((?:;{_KEY}=(?:{_INTEGER}|{_STRING}))*))")
_PARAMETER: Final = re.compile(rf";({_KEY})=(?:({_INTEGER})|({_STRING}))")
_NAME: Final = re.compile(_STRING)
_SIGNATURE: Final = re.compile(rf"({_KEY})=:([A-Za-z0-9+/]*={{0,2}}):")
_ESCAPED: Final = re.compile(r'\\(["\\])')


class MalformedSignature(Exception):
    """The headers `Signature-Input` and `Signature` are malformed or too long, or do not belong together."""


class SeveralSignatures(Exception):
    """The request has more than one signature."""


class ReceivedSignature(msgspec.Struct, frozen=True):
    """The signature of a request.

    Attributes:
        components: the names of the covered components.
        parameters: the parameters of the signature: integers and texts by name.
        text: the value of `@signature-params`.
        signature: the bytes of the signature.
    """

    components: Sequence[str]
    parameters: Mapping[str, int | str]
    text: str
    signature: bytes


def read_signature(input_value: str, signature_value: str) -> ReceivedSignature:
    """Read the values of the headers `Signature-Input` and `Signature`.

    Raises:
        MalformedSignature: a header is too long or malformed, the labels differ, or a component or parameter occurs
            twice.
        SeveralSignatures: a header has more than one signature.
    """
    if len(input_value) > MAX_INPUT_LENGTH or len(signature_value) > MAX_SIGNATURE_LENGTH:
        raise MalformedSignature
    of_input, of_signature = _only(_INPUT, input_value), _only(_SIGNATURE, signature_value)
    if of_input[1] != of_signature[1]:
        raise MalformedSignature
    components = tuple(_text(each) for each in _NAME.findall(of_input[3]))
    found = _PARAMETER.findall(of_input[4])
    parameters = {name: int(number) if number else _text(text) for name, number, text in found}
    if len(parameters) < len(found) or len(set(components)) < len(components):
        raise MalformedSignature
    try:
        signature = base64.b64decode(of_signature[2], validate=True)
    except ValueError as error:
        raise MalformedSignature from error
    return ReceivedSignature(components, MappingProxyType(parameters), of_input[2], signature)


def signature_headers(text: str, signature: bytes) -> dict[str, str]:
    """Return the two headers for a signature. `text` is the value of `@signature-params`."""
    return {
        INPUT_HEADER: f"{LABEL}={text}",
        SIGNATURE_HEADER: f"{LABEL}=:{base64.b64encode(signature).decode()}:",
    }


def _only(pattern: re.Pattern[str], value: str) -> re.Match[str]:
    match = pattern.match(value)
    if match is None:
        raise MalformedSignature
    rest = value[match.end() :]
    if rest.lstrip(" \t").startswith(","):
        raise SeveralSignatures
    if rest:
        raise MalformedSignature
    return match


def _text(string: str) -> str:
    return _ESCAPED.sub(r"\1", string[1:-1]) if "\\" in string else string[1:-1]
