"""Slips of the keyboard: a word that nobody knows becomes the known one that is a slip away."""

from dataclasses import replace
from functools import cache

from ffgen.draft.catalogue import domains, every_kind, field_phrases
from ffgen.draft.files import english
from ffgen.draft.words import Token, fold, lexicon, singular
from ffgen.sample.lexicon import WORDS

_SHORTEST = 4
_TYPES = (
    "char varchar nvarchar int bool enum uuid decimal numeric bigint timestamp datetime boolean str float pending"
    " approved"
)
_SHORT = {"row", "name", "date", "item", "user", "order"}
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_GUARDED = """
    workspace website webhook signup login username timestamp uptime dataset inbox hashtag influencer podcast blog vlog
    ebook app emoji selfie smartphone hostname backend frontend repo sprint kanban chatbot livestream playlist wishlist
    ecommerce fintech crypto blockchain wallet token checkin geofence telematics ebike scooter crowdfunding coworking
    freelancer onboarding offboarding timesheet payslip microservice dropdown tooltip slug firmware gateway datacenter
    subreddit repost retweet upvote downvote unfollow unsubscribe opt vaping vegan gluten pickleball glamping airport
    chicken cow pig sheep goat duck turkey rabbit listening listen lottery sport float string array boolean integer
    fire hoard dragon wizard spell gold coin ring wand lake river mountain forest bear lion horse fish farm
    farmer soil crop harvest rare moon star planet rocket engine wheel gear light heavy fast slow color shade
    house mouse table chair phone cake bread wine beer tea milk meat rose tree leaf seed root bark stem fort
    ship boat sail port dock crew guard game match goal team coach train track road lane bridge tower wall gate
    door window floor roof tile brick wood metal stone magic power mana skill quest sword shield armor potion
    castle king queen guild clan hero villain monster alien robot wife husband mother father uncle aunt cousin
    sister brother baby teen adult senior junior chief lead head hand foot face hair skin bone heart brain lung
    liver blood flux capacity force torque strength width depth density mass charge spin orbit phase angle
    radius curve slope shape circle square cube sphere cost cast case care card cart form from farm form firm
    film file fill feel fuel full fall ball call tall wall well will wild wind wine wing wink older younger
    cheaper bigger smaller higher lower larger host tip tips tenure detection elevator position positive
    negative state states bought spent style styles amenity amenities quality grow grown growing rise rising
    widget gadget unit tense dense sense since fence hence series serious period periods person reason season
    lesson prison weather whether later letter better matter number member timber lumber member summer hammer
    banner manner dinner winner inner outer hello world nothing something anything everything thing stuff
"""


@cache
def vocabulary() -> frozenset[str]:
    """Every word that means something here."""
    words: set[str] = set()
    for phrase in field_phrases():
        words.update(phrase)
    for kind in every_kind():
        for phrase in kind.phrases:
            words.update(phrase)
    for domain in domains().values():
        for phrase in domain.phrases:
            words.update(phrase)
    for text in lexicon()["locales"].values():
        words.update(fold(text).replace(",", " ").split())
    return frozenset(words)


@cache
def known() -> frozenset[str]:
    """Words that are no slips."""
    plain = {*_TYPES.split()} | {singular(word) for word in fold(lexicon()["empty"]).replace(",", " ").split()}
    return (
        vocabulary()
        | plain
        | {singular(one) for one in WORDS}
        | {*_GUARDED.split()}
        | {singular(one) for one in _MODIFIERS}
        | set(_numbers())
    )


_MODIFIERS = set(
    """
    unique distinct optional nullable missing empty blank null between from to since until before after during
    last past previous weekend weekday evening morning summer winter year month week day hour minute second
    active inactive january february march april may june july august september october november december
    percent thousand hundred million dozen customer each every per either one row record hourly daily weekly
    monthly realistic required duplicate duplicates typo outlier messy dirty noise male female man woman black
    friday christmas growing quoted table linked related relational with including such like whose where their
    must should never always
    """.split()
)


def _numbers() -> list[str]:
    return [str(word) for word in lexicon()["numbers"]]


def mended(found: list[Token]) -> tuple[list[Token], list[str]]:
    """The tokens with slips put right, and what was read as what."""
    made: list[Token] = []
    notes: list[str] = []
    for token in found:
        plain = token.kind == "word" and not token.text.isupper() and token.text.isascii()
        before = made[-1].word if made else ""
        better = (
            (
                _near_plural(token, bool(made) and made[-1].kind == "number")
                or _near(token.word)
                or _following(before, token.word)
            )
            if plain
            else ""
        )
        if better:
            notes.append(f'read "{token.text}" as "{better}"')
            token = replace(token, word=singular(better), is_plural=token.is_plural or singular(better) != better)
        made.append(token)
    return made, notes


def _near_plural(token: Token, counted: bool) -> str:
    """A slip in a plural, `rwos`, whose singular is too short to tell."""
    text = fold(token.text)
    if counted and text not in known() and (found := _slips(text) & {"rows", "records", "entries"}):
        return singular(min(found))
    if text == token.word and len(text) == _SHORTEST and text not in known():
        return next((many[:-1] for many in _slips(text) if many.endswith("s") and many[:-1] in _SHORT), "")
    return ""


@cache
def _pairs() -> dict[str, frozenset[str]]:
    """Names of two words: what may follow the first."""
    found: dict[str, set[str]] = {}
    for phrase in field_phrases():
        if len(phrase) == 2:
            found.setdefault(phrase[0], set()).add(phrase[1])
    return {first: frozenset(second) for first, second in found.items()}


def _following(before: str, word: str) -> str:
    """A word too short to be read alone, by the one before it: `hire dat`."""
    if len(word) != _SHORTEST - 1 or word in known() or not word.isalpha():
        return ""
    return min(_slips(word) & _pairs().get(before, frozenset()), default="")


@cache
def _near(word: str) -> str:
    if len(word) < _SHORTEST or word in known() or not word.isascii():
        return ""
    words = vocabulary() | _MODIFIERS
    one = sorted(_slips(word) & words, key=lambda other: (other[0] != word[0], abs(len(other) - len(word)), other))
    if len(word) <= _SHORTEST + 1:
        one = [other for other in one if other[0] == word[0]]
    if len(word) == _SHORTEST:
        one = [other for other in one if sorted(other) == sorted(word) or len(other) == len(word) + 1]
    if len(word) <= _SHORTEST + 2:
        one = [other for other in one if len(other) >= len(word) or _doubles(word, other)]
    if one and (word not in english() or len(word) <= _SHORTEST + 1):
        return one[0]
    if word in english():
        return ""
    if len(word) >= 7:
        near = [
            other
            for other in words
            if abs(len(other) - len(word)) <= 2 and len(other) >= 6 and (other[0], other[-1]) == (word[0], word[-1])
        ]
        best = min(((_apart(word, other), other) for other in near), default=(9, ""))
        return best[1] if best[0] <= 2 else ""
    return ""


def _doubles(word: str, other: str) -> bool:
    """Whether a word is another with a letter struck twice: a letter too much that is none of its neighbours makes
    rather a word of its own (sport, sort)."""
    at = next((at for at, letter in enumerate(other) if word[at] != letter), len(other))
    return at > 0 and word[at] == word[at - 1]


_CONFUSED = [set("aeiouy"), set("scz"), set("kcq"), set("mn"), set("fv"), set("dt"), set("gj"), set("bp")]


def _slips(word: str) -> set[str]:
    """Every text one slip away: a letter less, more, or mistaken for one that sounds alike, or two swapped."""
    cuts = [(word[:at], word[at:]) for at in range(len(word) + 1)]
    less = {left + right[1:] for left, right in cuts if right}
    swapped = {left + right[1] + right[0] + right[2:] for left, right in cuts if len(right) > 1}
    alike = {left + letter + right[1:] for left, right in cuts if left and right for letter in _alike(right[0])}
    more = {left + letter + right for left, right in cuts for letter in _LETTERS}
    return less | swapped | more | (alike if len(word) > 4 else set())


def _alike(letter: str) -> set[str]:
    return {other for group in _CONFUSED if letter in group for other in group} - {letter}


def _apart(left: str, right: str) -> int:
    """Letters that only one of two words has, in order; a mistaken vowel counts as one."""
    row = list(range(len(right) + 1))
    for at, letter in enumerate(left, 1):
        last, row = row, [at]
        for to, other in enumerate(right, 1):
            change = 0 if letter == other else (1 if other in _alike(letter) else 2)
            row.append(min(last[to] + 1, row[to - 1] + 1, last[to - 1] + change))
    return row[-1]
