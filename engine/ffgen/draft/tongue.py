"""What is known of other languages: their small words in words.yaml, their things in data/tongues."""

import re
from dataclasses import dataclass
from functools import cache

from ffgen.draft.files import FOLDER
from ffgen.draft.words import Phrase, fold, lexicon

SHORTEST_STEM = 4
_LETTERS = str.maketrans({"ł": "l", "ø": "o", "æ": "ae", "œ": "oe", "đ": "d"})


@dataclass(frozen=True, slots=True)
class Tongue:
    """What is known of one language; words are compared without accents."""

    idle: frozenset[str]
    of: frozenset[str]
    holding: dict[Phrase, str]
    """What holds a sentence together."""
    things: dict[Phrase, str]
    described: dict[str, str]
    """How things are, said after them."""
    stems: dict[str, str]
    exact: dict[str, str]
    endings: tuple[str, ...]
    elided: dict[str, str]
    letters: frozenset[str]
    is_compound: bool
    told_by: frozenset[str]


def plain(text: str) -> str:
    """Lower case, and letters without what is put to them."""
    return fold(text).translate(_LETTERS)


@cache
def tongues() -> dict[str, Tongue]:
    """Every language that is read word by word; read from files once, in some 30 ms."""
    return {code: _tongue(code) for code in lexicon()["languages"]}


def _tongue(code: str) -> Tongue:
    said = lexicon()["languages"][code]
    elided = dict(part.strip().split(":") for part in said.get("elisions", "").split(",") if part.strip())
    holding = {_key(key, elided): str(value) for key, value in said["map"].items()}
    things, described = _vocabulary(code, elided)
    endings = tuple(sorted(plain(said["endings"]).split(), key=len, reverse=True))
    idle = frozenset(one.strip() for one in plain(said["words"]).split(","))
    stems: dict[str, str] = {}
    for key, value in things.items():
        for ending in endings if len(key) == 1 else ():
            if key[0].endswith(ending) and len(key[0]) - len(ending) >= SHORTEST_STEM:
                stems.setdefault(key[0].removesuffix(ending), value)
    return Tongue(
        idle=idle,
        of=frozenset(one.strip() for one in said["of"].split(",") if one.strip()),
        holding=holding,
        things=things,
        described=described,
        stems=stems,
        exact=said["exact"],
        endings=endings,
        elided=elided,
        letters=frozenset(said["letters"]),
        is_compound=said["compounds"],
        told_by=idle | {key[0] for key in (*things, *holding) if len(key) == 1} | {*described},
    )


def _vocabulary(code: str, elided: dict[str, str]) -> tuple[dict[Phrase, str], dict[str, str]]:
    """Things, and how things are that stand before what says so, of a file: `english: word, word`."""
    things: dict[Phrase, str] = {}
    described: dict[str, str] = {}
    are_described = False
    for line in plain((FOLDER / "tongues" / f"{code}.txt").read_text(encoding="utf-8")).splitlines():
        english, _, words = line.partition(":")
        if line.startswith("#") or not words:
            are_described = are_described or line == "@adjectives"
            continue
        for word in words.split(","):
            if are_described:
                described[word.strip()] = english
            else:
                things[_key(word, elided)] = english
    return things, described


def _key(text: str, elided: dict[str, str]) -> Phrase:
    """The words of a phrase as tokens say them."""
    parts = re.findall(r"[^\W_]+", plain(text))
    if elided and len(parts) > 1:
        whole = [
            elided.get(part, part) if f"{part}'" in text.replace("’", "'") or len(part) == 1 else part
            for part in map(plain, parts)
        ]
        return tuple(part for part in whole if part)
    return tuple(parts)
