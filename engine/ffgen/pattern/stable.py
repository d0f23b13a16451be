"""Texts that stay as they are when a value is settled: trimmed at both ends, and in NFC."""

import sys
import unicodedata
from functools import lru_cache

from ffgen.pattern.automaton import Automaton, Edges
from ffgen.pattern.chars import COMBINING, EVERY, SPACE, CharSet


def settled(alphabet: CharSet) -> Automaton:
    """All texts over an alphabet without white space at either end, of characters that NFC leaves as they are
    whatever stands before them."""
    kept = alphabet & _stable()
    letters, spaces = kept - SPACE, kept & SPACE
    inside: list[tuple[CharSet, int]] = [(chars, state) for chars, state in ((letters, 1), (spaces, 2)) if chars]
    edges: Edges = [[(letters, 1)], inside, inside]
    return Automaton(edges, (0, 1))


@lru_cache(maxsize=1)
def _stable() -> CharSet:
    """Characters that are in NFC alone and behind any other: no marks that combine, nothing that composes. 0.1 s."""
    unstable: set[int] = {*range(0x1161, 0x1176), *range(0x11A8, 0x11C3)}  # vowels and ends of Hangul syllables
    for code in range(COMBINING, sys.maxunicode + 1):
        char = chr(code)
        if 0xD800 <= code <= 0xDFFF:
            continue
        if unicodedata.combining(char) or not unicodedata.is_normalized("NFC", char):
            unstable.add(code)
        if (parts := unicodedata.decomposition(char)) and not parts.startswith("<"):
            unstable.update(int(part, 16) for part in parts.split()[1:])
    return EVERY - CharSet.of((code, code) for code in unstable)
