"""The headers of a signature: what is read, and what is refused."""

from __future__ import annotations

import pytest

from servicekit.http_signatures.signature_fields import (
    MAX_INPUT_LENGTH,
    MAX_SIGNATURE_LENGTH,
    MalformedSignature,
    SeveralSignatures,
    read_signature,
    signature_headers,
)

INPUT = 'sig=("@method" "content-type");created=1;keyid="a"'
SIGNATURE = "sig=:AAAA:"


def test_a_signature_is_read() -> None:
    text = '("@method" "x\\"y");created=-12;nonce="a \\\\ b";x.y*-_1="";tag="t"'
    found = read_signature(f"*sig.1-a={text}", "*sig.1-a=:AAECAw==:")
    assert found.components == ("@method", 'x"y')
    assert found.parameters == {"created": -12, "nonce": "a \\ b", "x.y*-_1": "", "tag": "t"}
    assert (found.text, found.signature) == (text, b"\0\1\2\3")


def test_what_is_written_is_read() -> None:
    headers = signature_headers('("@method");created=1', b"\xff\x00")
    found = read_signature(headers["signature-input"], headers["signature"])
    assert (found.components, found.parameters, found.signature) == (("@method",), {"created": 1}, b"\xff\x00")


def test_nothing_may_be_covered() -> None:
    assert read_signature("sig=()", SIGNATURE).components == ()


@pytest.mark.parametrize(
    "value",
    [
        "",
        "sig",
        "sig=",
        "Sig=()",
        "1=()",
        "sig=();created",
        "sig=();created=1.5",
        "sig=();created=?1",
        "sig=();created=1234567890123456",
        "sig=();created=1;created=1",
        'sig=();tag="a";tag="b"',
        "sig=(@method)",
        'sig=( "@method")',
        'sig=("@method" )',
        'sig=("@method"  "@path")',
        'sig=("@method""@path")',
        'sig=("@method" "@method")',
        'sig=("content-digest";sf)',
        'sig=("@query-param";name="a")',
        'sig=("@method";req)',
        'sig=("a\\n")',
        'sig=("é")',
        'sig=("a\tb")',
        'sig=("@method"); created=1',
        'sig=("@method") ;created=1',
        "sig=() x",
        "sig=()\n",
        " sig=()",
        'sig="()"',
        f'sig=("{"x" * MAX_INPUT_LENGTH}")',
        'sig=("' + '\\"' * 900,
    ],
)
def test_another_form_of_the_input_is_malformed(value: str) -> None:
    with pytest.raises(MalformedSignature):
        read_signature(value, SIGNATURE)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "sig=AAAA",
        "sig=:AAA:",
        "sig=:A===:",
        "sig=:A:",
        "sig=:AA-_:",
        "sig=:AAAA:;x=1",
        "sig=:AAAA: ",
        "other=:AAAA:",
        f"sig=:{'A' * MAX_SIGNATURE_LENGTH}:",
    ],
)
def test_another_form_of_the_signature_is_malformed(value: str) -> None:
    with pytest.raises(MalformedSignature):
        read_signature(INPUT, value)


@pytest.mark.parametrize(
    ("input_value", "signature"),
    [
        (f'{INPUT}, b=("@method")', f"{SIGNATURE}, b=:AAAA:"),
        (f"{INPUT},{INPUT}", f"{SIGNATURE},{SIGNATURE}"),
        (INPUT, f"{SIGNATURE} , sig=:BBBB:"),
        (f"{INPUT},", SIGNATURE),
    ],
)
def test_there_is_one_signature(input_value: str, signature: str) -> None:
    with pytest.raises(SeveralSignatures):
        read_signature(input_value, signature)
