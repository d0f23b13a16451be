"""From words of another language to the order of English ones: what a thing is of, how it is, what is a value."""

from dataclasses import dataclass, replace

from ffgen.draft import terms
from ffgen.draft.tongue import Tongue, plain
from ffgen.draft.words import Token, singular

HEADS = terms.HEADS | {"method", "reason", "class", "district", "weight", "number", "time", "brand", "note"}
_CHOSEN = terms.CLOSED | {"currency", "carrier", "specialty", "department", "course", "brand", "make", "insurance"}
_CHOSEN |= {"treatment", "availability", "diagnosis", "language", "material", "section"}
_SMALL = {"in", "of", "from", "to", "on", "per", "at", "with", "by"}
_SORTS = {"gross", "net"}


@dataclass(slots=True)
class Item:
    """Tokens in a row that are one thing in English."""

    found: list[Token]
    english: str = ""
    kind: str = "raw"
    """raw, idle, holding, thing, guess or described."""

    @property
    def last_word(self) -> str:
        """The last word in English, in the singular."""
        return singular(self.english.split()[-1]) if self.english else self.found[-1].word

    @property
    def is_name(self) -> bool:
        return self.kind in ("thing", "guess")


def keep_values(items: list[Item]) -> None:
    """Values keep their words: in brackets, and after a colon behind what has values, unless all are fields."""
    for at, item in enumerate(items):
        mark = item.found[0].text
        before = items[at - 1].last_word if at else ""
        if mark not in ("(", ":") or (mark == ":" and before not in _CHOSEN):
            continue
        end = next((to for to in range(at + 1, len(items)) if items[to].found[0].text in _ends(mark)), len(items))
        parts = _listed(items, at + 1, end)
        known = [part for part in parts if any(one.is_name for one in part)]
        sure = [part for part in known if not any(_is_unknown(one) for one in part)]
        if len(parts) < 2 or (len(sure) == len(parts) if before in _CHOSEN else 2 * len(known) >= len(parts)):
            continue
        for part in parts:
            if part[0].kind == "holding" and part[0].english in _SMALL and len(part) > 1:
                part[0].english, part[0].kind = "", "idle"
                part[1].found[0] = replace(part[1].found[0], start=part[0].found[0].start)
            for one in part:
                if one.kind in ("thing", "guess", "described"):
                    one.english, one.kind = "", "raw"


def _ends(mark: str) -> tuple[str, ...]:
    return (")",) if mark == "(" else (".", ";", ")", ":")


def _is_unknown(item: Item) -> bool:
    return item.kind == "guess" or (item.kind == "raw" and item.found[0].kind == "word")


def _listed(items: list[Item], start: int, end: int) -> list[list[Item]]:
    """What stands between commas."""
    parts: list[list[Item]] = [[]]
    for item in items[start:end]:
        if item.found[0].text in (",", "/", ";", "|") or item.english in ("or", "and"):
            parts.append([])
        else:
            parts[-1].append(item)
    return [part for part in parts if part]


def described(items: list[Item]) -> list[Item]:
    """What is said after a thing in other languages stands before it: `salaire annuel`."""
    made: list[Item] = []
    for item in items:
        if item.kind == "described" and made and made[-1].is_name:
            before = made[-1]
            first = before.english.split()[0]
            if item.english not in _SORTS or first == before.english:
                before.english = f"{item.english} {before.english}"
            before.found = before.found + item.found
            continue
        made.append(item)
    return made


def named(items: list[Item], tongue: Tongue, link: str) -> list[Item]:
    """`fecha de la entrega` and `numer faktury` as `delivery date` and `invoice number`."""
    made: list[Item] = []
    for item in reversed(items):
        head = item.english or (item.found[0].word if item.kind == "raw" else "")
        of = 0
        while of < len(made) and made[of].kind in ("holding", "idle") and plain(made[of].found[0].text) in tongue.of:
            of += 1
        while of < len(made) and made[of].kind == "idle":
            of += 1
        is_linked = link == "" or any(plain(one.found[0].text) in tongue.of for one in made[:of])
        thing = made[of] if of < len(made) else None
        if (
            singular(head) in HEADS
            and thing is not None
            and thing.is_name
            and is_linked
            and singular(thing.last_word) not in terms.MEASURES
            and not (link == "" and of)
        ):
            words = [singular(one) for one in thing.english.split()]
            found = [*item.found, *(token for one in made[: of + 1] for token in one.found)]
            made[: of + 1] = [Item(found, " ".join(words if words[-1] == head else [*words, head]), "thing")]
        else:
            made.insert(0, item)
    return made


def pair_names(items: list[Item]) -> None:
    """A name beside a last name is a first one: `nombre, apellidos`, `prénom et nom`."""
    ends = {"last name": "first name", "first name": "last name"}
    for at, item in enumerate(items):
        if item.english not in ("name", "names"):
            continue
        for step in (-1, 1):
            if not 0 <= at + 2 * step < len(items) or items[at + 2 * step].english not in ends:
                continue
            if items[at + step].found[0].text in (",", "/") or items[at + step].english == "and":
                item.english = ends[items[at + 2 * step].english]
                break


def set_small(items: list[Item]) -> None:
    """`de 22 à 95` is from 22 to 95; `del pedido: fecha` begins a part; a number of nothing is a quantity."""
    for at, item in enumerate(items):
        before = items[at - 1].found[0].text if at else "."
        if item.english == "number of" and not (at + 1 < len(items) and items[at + 1].is_name):
            item.english = "quantity"
        if item.english == "of" and before in (".", ";", "!") and items[at + 2 : at + 3]:
            item.english = "" if items[at + 2].found[0].text == ":" else "of"
    for at, item in enumerate(items[:-3]):
        if item.english != "of" or items[at + 1].found[0].kind not in ("number", "date"):
            continue
        if any(one.english in ("to", "and") for one in items[at + 2 : at + 4]):
            item.english = "from"
            ends = [one for one in items[at + 2 : at + 4] if one.english == "and"]
            for one in ends[:1]:
                one.english = "to"


def tokens_of(item: Item) -> list[Token]:
    """The tokens of an item: English words all stand where its words stand."""
    if item.kind == "raw":
        return item.found
    first, last = item.found[0], item.found[-1]
    start, end = min(one.start for one in item.found), max(one.end for one in item.found)
    if item.english == "yes/no":
        marks = [("yes", "word"), ("/", "mark"), ("no", "word")]
        return [replace(first, text=text, word=text, kind=kind, start=start, end=end) for text, kind in marks]
    names = item.kind != "holding"
    return [
        replace(
            first,
            text=word,
            word=singular(word),
            kind="word",
            start=start,
            end=max(end, last.end),
            is_plural=singular(word) != word,
            is_glued=at > 0 and names,
        )
        for at, word in enumerate(item.english.split())
    ]
