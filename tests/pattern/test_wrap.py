import re

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.pattern.strategies import RICH, TEXTS

from ffgen.pattern import matches, wrapped

REST = r"[^\x00-\x1F\x22\x5C]*"

# What llama.cpp's converter reads without a slip: plain letters, groups, branches, and counts behind ] or ) only.
SAFE = re.compile(
    r'\^(?:[^\\"\[\](){}|*+?^$.]|\[(?:[^\\"\[\]]|\\x[0-9A-F]{2}|\\u[0-9A-F]{4})+\]|[(|)]|(?<=[\])])[*+?{][\d,}]*)*\$'
)


@settings(max_examples=200, deadline=None)
@given(RICH, TEXTS)
def test_it_finds_what_the_pattern_finds(pattern: str, texts: list[str]) -> None:
    anchored = wrapped(pattern)
    assume(anchored)
    assert SAFE.fullmatch(anchored)
    assert matches(anchored, texts) == matches(pattern, texts)


@settings(max_examples=100, deadline=None)
@given(
    RICH, st.text(st.characters(codec="utf-8", exclude_characters='"\\', exclude_categories=["Cc", "Nd"]), max_size=5)
)
def test_it_takes_more_beyond_ascii_but_never_less(pattern: str, text: str) -> None:
    anchored = wrapped(pattern)
    assume(anchored)
    if matches(pattern, [text]) == [True]:
        assert matches(anchored, [text]) == [True]


@pytest.mark.parametrize(
    ("pattern", "anchored"),
    [
        (r"^[A-Z]{3}-\d{4}$", "^[A-Z]{3}-[0-9]{4}$"),
        (r"@x\.com$", rf"^{REST}@x[\x2E]com$"),
        ("^ab", f"^ab{REST}$"),
        ("ab", f"^{REST}ab{REST}$"),
        ("^red$|^green$", "^(red|green)$"),
        ("^a|b$", f"^(a{REST}|{REST}b)$"),
        ("(^|x)a$", f"^({REST}x)?a$"),
        ("^(?:red|green|)$", "^(red|green)?$"),
        (r"^\.+$", r"^[\x2E]+$"),
        ("^ab+$", "^a[b]+$"),
        ("^(?P<year>[0-9]{4,})$", "^[0-9]{4,}$"),
        ('^(a|")$', "^a$"),
        ("^[^a]$", r"^[^\x00-\x1F\x22\x5Ca]$"),
        ("(?i)^a$", "^[Aa]$"),
    ],
)
def test_how_it_is_said(pattern: str, anchored: str) -> None:
    assert wrapped(pattern) == anchored


@pytest.mark.parametrize("pattern", ["", ".*", '^"[a-z]+"$', "a^b", "(^a|b)*c", r"\bword", "[", "(?=a)", "^a{2001}$"])
def test_what_is_better_left_unsaid_is_empty(pattern: str) -> None:
    assert wrapped(pattern) == ""
