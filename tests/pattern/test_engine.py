import time

import pytest

from ffgen.errors import UsageError
from ffgen.pattern import matches, problem


@pytest.mark.parametrize(
    "pattern", ["", "a", r"^[A-Z]{3}-\d{4}$", r"\bword\b", "(?i)x", "(a+)+$", "(){1000}{1000}{1000}"]
)
def test_a_usable_pattern_has_no_problem(pattern: str) -> None:
    assert problem(pattern) is None


@pytest.mark.parametrize(
    ("pattern", "word"),
    [
        ("(?=a)b", "look-around"),
        ("(?<!a)b", "look-around"),
        (r"(a)\1", "back-reference"),
        ("[", "unclosed character class at character 1"),
        ("a\n[", "unclosed character class"),
        ("ab{2,1}", "at character 3"),
        (r"a\Z", "escape that is not known at character 2"),
        (r"\w{1000}", "too large"),
        ("x{1000}{1000}{1000}", "too large"),
        ("(" * 300 + ")" * 300, "nested"),
        ("x" * 1001, "1,001 characters"),
        ("\ud800", "surrogate"),
        ("*", "repetition"),
    ],
)
def test_an_unusable_pattern_says_why_and_what_next(pattern: str, word: str) -> None:
    found = problem(pattern)
    assert found is not None
    what, hint = found
    assert word in what
    assert "Traceback" not in what and "col(" not in what
    assert hint


def test_look_around_names_what_to_use_instead() -> None:
    assert problem("(?=a)b") == (
        "pattern `(?=a)b` uses look-around, which is not supported.",
        "Say it with `length`, `values` or a `require`.",
    )


def test_matches_searches_and_lets_nulls_pass() -> None:
    assert matches("b", ["abc", "a", None, ""]) == [True, False, True, False]
    assert matches("^b$", ["abc", "b", None]) == [False, True, True]
    assert matches("", []) == []


def test_half_a_surrogate_pair_matches_nothing_and_spoils_nothing() -> None:
    assert matches("a", ["a", "\ud800a", None, "b"]) == [True, False, True, False]


def test_an_unusable_pattern_is_an_error_of_ours() -> None:
    with pytest.raises(UsageError, match="unclosed character class"):
        matches("[", ["a"])


def test_a_pattern_that_hangs_other_engines_does_not() -> None:
    start = time.perf_counter()
    assert matches("^(a+)+$", ["a" * 50_000 + "b"]) == [False]
    assert time.perf_counter() - start < 1.5
