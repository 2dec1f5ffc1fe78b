"""Results for short texts are kept, within a bound."""

from __future__ import annotations

from servicekit.results_for_short_texts import MAX_RESULTS, ResultsForShortTexts


class Counting:
    """Counts the calls for each text."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def __call__(self, text: str) -> str | None:
        self.calls.append(text)
        return text.upper() or None


def test_a_result_is_computed_once_even_if_it_is_none() -> None:
    counting = Counting()
    results = ResultsForShortTexts(counting)
    assert [results("a"), results("a"), results(""), results("")] == ["A", "A", None, None]
    assert counting.calls == ["a", ""]


def test_a_long_text_is_not_kept() -> None:
    counting = Counting()
    results = ResultsForShortTexts(counting, max_length=2)
    for text in ("ab", "abc") * 2:
        assert results(text) == text.upper()
    assert counting.calls == ["ab", "abc", "abc"]


def test_at_most_so_many_texts_are_kept() -> None:
    counting = Counting()
    results = ResultsForShortTexts(counting)
    for number in range(MAX_RESULTS + 1):
        results(str(number))
    results(str(MAX_RESULTS))
    results("0")
    assert counting.calls == [*map(str, range(MAX_RESULTS + 1)), "0"]
