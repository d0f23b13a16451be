"""Which words of a description are tables by the way that they are spoken of: `each seller has`, `40 plots (...)`."""

from collections.abc import Callable, Sequence

from ffgen.draft import terms
from ffgen.draft.words import Phrase, Token, word_at

_VERBS = set("has have with contain include includes consist consists carry hold get gets".split())
_DOES = _VERBS | {"can", "belong", "make", "made", "take", "took", "write", "own", "receive"}
_DOES |= {"is", "may", "should", "must", "lead", "teach", "send", "submit", "collect", "earn", "need"}
_DOES |= set("was are come go appear give handle attend buy sell refer point reference".split())
_STARTS = {".", ";", "!", "?", ""}
_OPENS = {"(", ":", "with", "who", "having", "each", "-", "–", "—", "containing", "including"}
_NO_TABLE = set(
    """
    percent decimal character digit letter word minute second hour day week month year euro dollar pound cent kg
    km cm mile point star degree table csv column field dataset entity kind type option value time people
    percentage meter litre liter gram version level step one row thing sentence
    """.split()
)
_TAKEN = {"observation", "sample", "document", "item", "entry"}
"""Words for rows that are as often things of their own."""


def subjects(
    found: Sequence[Token],
    is_plain: Callable[[int], bool],
    is_thing: Callable[[Phrase], bool],
    is_strange: Callable[[Phrase], bool],
) -> set[Phrase]:
    """The singular of every such word or pair of words. `is_plain` tells whether a token may be part of a name,
    `is_thing` whether a name may be one of a thing and is none of a number or a date, `is_strange` whether it is at
    least no table of the catalogue."""
    made: set[Phrase] = set()
    for at in range(len(found)):
        word, before = word_at(found, at), word_at(found, at - 1)
        if word in ("each", "every") or (
            (before in _STARTS or before == "and") and word in ("a", "an", "one", "1", "the")
        ):
            is_each = word in ("each", "every")
            _add(made, found, at + 1, is_plain, is_thing, _DOES if is_each else _VERBS, many=False)
            _add(made, found, at + 1, is_plain, is_strange, {"has"}, many=False)
        elif before in _STARTS:
            _add(made, found, at, is_plain, is_thing, _VERBS, many=True)
        elif word == "per" and before and found[at - 1].is_plural:
            _add(made, found, at + 1, is_plain, is_thing, set(), many=False)
        if before in _STARTS and word in ("for",) and word_at(found, at + 1) in ("each", "every", "a", "an", "one"):
            _add(made, found, at + 2, is_plain, is_thing, set(), many=False)
        if at == 0 and _is_titled(found):
            _add(
                made,
                found,
                at,
                is_plain,
                is_strange,
                {"for", "of", "from", "in", "at", "about", "table"},
                many=True,
                numbered=True,
            )
        if (
            at == 0
            and [token.kind for token in found[:6]].count("number")
            and "," in [token.word for token in found[:4]]
        ):
            comma = next(place for place, token in enumerate(found) if token.word == ",")
            if comma + 2 < len(found) and found[comma + 1].kind == "number" and word_at(found, comma + 2) in terms.ROWS:
                _add(made, found, at, is_plain, is_strange, {","}, many=True, numbered=True)
        if found[at].kind == "number" and not found[at].is_share and not found[at].is_money and found[at].number >= 2:
            _add(made, found, at + 1, is_plain, is_strange, _OPENS, many=True, numbered=True)
    return made


def _add(
    made: set[Phrase],
    found: Sequence[Token],
    at: int,
    is_plain: Callable[[int], bool],
    is_thing: Callable[[Phrase], bool],
    verbs: set[str],
    *,
    many: bool,
    numbered: bool = False,
) -> None:
    """Adds the words from a place up to one of these verbs, where they can be a table's name."""
    end = at
    while (
        end < len(found)
        and end - at < 3
        and found[end].kind == "word"
        and is_plain(end)
        and word_at(found, end) not in verbs
    ):
        end += 1
    phrase = tuple(word_at(found, place) for place in range(at, end))
    if (
        not phrase
        or phrase[-1] in _NO_TABLE | (terms.ROWS - _TAKEN) | terms.MEASURES
        or found[end - 1].is_plural != many
    ):
        return
    if (
        numbered
        and word_at(found, end) in ("are", "is")
        and ":" in [word_at(found, place) for place in range(end, end + 4)]
    ):
        verbs = verbs | {"are", "is"}
    if (
        verbs
        and word_at(found, end) not in verbs
        and not (numbered and word_at(found, end) == "," and word_at(found, end + 1) in ("each", "all"))
        and not (numbered and _times(found, phrase) > 1)
    ):
        return
    after = word_at(found, end + 1)
    if not verbs and word_at(found, end) not in (",", ".", ";", "", ")", "and", "("):
        return
    if many and not numbered and (after in ("to", "no", "been") or not is_thing(phrase) or not _is_list(found, end)):
        return
    if is_thing(phrase):
        made.add(phrase)


def _times(found: Sequence[Token], phrase: Phrase) -> int:
    """How often a phrase stands there."""
    words = [token.word for token in found]
    return sum(tuple(words[at : at + len(phrase)]) == phrase for at in range(len(words)))


def _is_titled(found: Sequence[Token]) -> bool:
    """Whether the text begins with a title and a colon: `exam marks for a school in Lagos: pupil, ...`."""
    words = [token.word for token in found[:20]]
    return ":" in words and not {".", ";", ",", "("} & {*words[: words.index(":")]}


def _is_list(found: Sequence[Token], at: int) -> bool:
    """Whether what follows up to the end of the sentence has parts."""
    for token in found[at : at + 60]:
        if token.text in ".!?":
            return False
        if token.text in (",", ";") or token.word == "and":
            return True
    return False
