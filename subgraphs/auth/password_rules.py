"""The rules for new passwords, as in OWASP ASVS 5.0, section 6.2.

A password has a minimum length, and may be as long as a passphrase. It need not contain certain kinds of characters. It
is not truncated, and upper and lower case are distinguished. It must not be a common password, and must not contain
words that belong to the user or to the bank (6.2.11).

The library zxcvbn estimates how many guesses an attacker needs. It knows common passwords, names, words, dates,
keyboard patterns, sequences and repetitions, also with replaced letters (`P@ssw0rd`).
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from zxcvbn import zxcvbn

from bank.values import MIN_PASSWORD_LENGTH
from subgraphs.auth.domain import InvalidField

MIN_LENGTH: Final = MIN_PASSWORD_LENGTH
# The maximum length. ASVS 6.2.9 requires at least 64. The limit bounds the work for a request.
MAX_LENGTH: Final = 256

# The least number of guesses that an attacker must need for an accepted password. The limits of logins allow an
# attacker 350,000 guesses a year from each address. So an attacker with 300 addresses needs almost a year. A password
# of eight random characters has about this strength. With this number of guesses, zxcvbn gives a password 3 of 4
# points.
_MIN_GUESSES: Final = 1e8
# The largest number of characters that zxcvbn estimates in one call. Its time grows with the cube of the length: 40
# characters take up to 40 ms, and 256 characters up to 20 s.
_JUDGED_LENGTH: Final = 40
# The names of the product, which an attacker of this bank would try first.
_PRODUCT: Final = ("mosafe",)
_SEPARATORS: Final = re.compile(r"[\W_]+")
# The accents of the Latin, Greek and Cyrillic scripts, as combining marks. Other scripts write vowels with
# combining marks, so their marks are not removed.
_ACCENTS: Final = re.compile(r"[\u0300-\u036f]")
# Shorter parts of an address or a name are not removed from the password, because they occur in many words.
_MIN_WORD: Final = 4


def check_length(password: str) -> None:
    """Refuse a text that cannot be a password.

    Raises:
        InvalidField: the password is longer than `MAX_LENGTH`, or is not Unicode text.
    """
    if len(password) > MAX_LENGTH:
        raise InvalidField("TOO_LONG", f"at most {MAX_LENGTH} characters")
    # A JSON escape can encode half of a surrogate pair, which is not Unicode text.
    if any("\ud800" <= character <= "\udfff" for character in password):
        raise InvalidField("INVALID_FORMAT", "must be Unicode text")


def weakness(password: str, *, email: str, name: str) -> str | None:
    """Return why `password` is too easy to guess, as a text for its owner; None if it is accepted.

    The check uses the form in which the password is hashed (NFKC). It takes up to 0.1 s of CPU time.

    Raises:
        InvalidField: the password is longer than `MAX_LENGTH`, or is not Unicode text.
    """
    check_length(password)
    normalised = unicodedata.normalize("NFKC", password)
    plain = _without_accents(normalised)
    if len(normalised) < MIN_LENGTH:
        return f"The password needs at least {MIN_LENGTH} characters"
    folded = normalised.casefold()
    if len(set(folded)) == 1:
        return "The password repeats a single character"
    words = _context_words(email, name)
    if len(_without(plain.casefold(), words)) < MIN_LENGTH:
        return "The password consists mostly of the e-mail address, the name or the name of this service"
    if min(_guesses(form, words) for form in {normalised, plain}) < _MIN_GUESSES:
        return "The password is too easy to guess: it is a common password, or made of common words and patterns"
    return None


def _context_words(email: str, name: str) -> list[str]:
    """Return the words from the user's address and name, and the names of the product; the longest word first.

    An attacker who knows the user would try passwords with these words.
    """
    texts = [_without_accents(unicodedata.normalize("NFKC", text)).casefold() for text in (email, name)]
    parts = [part for text in texts for part in _SEPARATORS.split(text)]
    return sorted({*texts, *parts, *_PRODUCT} - {""}, key=lambda word: (-len(word), word))


def _without_accents(text: str) -> str:
    """Return the text without the accents of its letters, because lists of common passwords have none."""
    return unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFD", text)))


def _without(folded: str, words: list[str]) -> str:
    """Return the password without the words, even if their letters are separated by other characters (`m-o-s-a-f-e`).

    Words that are too short are not removed.
    """
    for word in words:
        letters = _SEPARATORS.sub("", word)
        if len(letters) >= _MIN_WORD:
            folded = re.sub(r"[\W_]*".join(letters), "", folded)
    return folded


def _guesses(password: str, words: list[str]) -> float:
    """Return how many guesses an attacker needs, as zxcvbn estimates it.

    If the password is longer than `_JUDGED_LENGTH`, its first and its last `_JUDGED_LENGTH` characters are estimated
    separately, and the higher estimate counts.
    """
    ends = {password[:_JUDGED_LENGTH], password[-_JUDGED_LENGTH:]}
    return max(float(zxcvbn(end, user_inputs=words)["guesses"]) for end in ends)
