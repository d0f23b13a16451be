"""The tokens of a description, the phrases of the catalogue among them, and what holds for the whole of it."""

import html
import re
import unicodedata
from dataclasses import dataclass
from functools import cache

from ffgen.draft import limits, outline, terms
from ffgen.draft.catalogue import Kind, domains, field_phrases, homes, kinds
from ffgen.draft.code import in_words
from ffgen.draft.dates import in_iso
from ffgen.draft.files import english
from ffgen.draft.places import places
from ffgen.draft.portions import portions
from ffgen.draft.request import Asked, Request, Wanted
from ffgen.draft.spell import known, mended
from ffgen.draft.tongues import spaced, translated
from ffgen.draft.words import Phrase, counted, idle_words, lexicon, singular, tokens

LONGEST = 20_000
"""Characters of a description that are read."""
_PURPOSE = re.compile(
    r"\b(?:for|in|during|as part of) (?:(?:my|our|his|her|their|some|the|a|an) )?"
    r"(?:(?:(?:my|our) (?:\w+ ){0,3}?(?:project|class|course|lecture|training|talk|report|exam|test|seminar))"
    r"|(?:\w+ ){0,3}?(?:school|class|university|uni|college|student|course|science|learning|research|study|side|hobby"
    r"|pet|demo|test) project"
    r"|(?:\w+ ){0,2}?(?:dashboard|demo|workshop|thesis|homework|hackathon|presentation|prototype|proof of concept|poc"
    r"|tutorial|bootcamp|assignment|showcase|mockup|blog post|load test|unit test|integration test|test case))\b"
)
_CHATTER = re.compile(
    r"\b(?:i|we)(?: m| am| re| are) (?:an? |the )?(?:\w+ ){1,4}?(?:at|in|for|of|from|who|with|and|working|,)\b(?:[^.;:!?,]{0,60}?(?=[.;:!?]|,? (?:and|so|but) ))?"
    r"|\b(?:i|we)(?: m| re| am| are| ve| have been| will| ll| would)? "
    r"(?:teach|run|preparing|prepare|running|testing|building|build|writing|working|work|planning|trying|learning|practi[cs]ing"
    r"|studying|developing|demoing|starting|migrating|evaluating|onboarding|giving|holding|organi[sz]ing|love|hate|know"
    r"|think|hope|guess|believe|heard|tried|keep|redesigning|setting up|putting together|rolling out|rebuilding|launching)\b"
    r" [^.;:!?\d]{0,140}?(?=[.;:!?(\d]|,? (?:and|so|but|then)(?: i| we| there| it| please| want| need| would)\b"
    r"|,? (?:i|we) (?:need|want|d|would)\b|,? please\b|$)"
)
_EXERCISE = re.compile(
    r"\bfor (?:teaching|testing|learning|practi[cs]ing|training|demoing|showing|trying|load testing|benchmarking|exploring) "
    r"[^.:;,]{0,60}?(?= [:.;,])"
)
_YES_OR_NO = re.compile(r"(?<!\( )\b(?:yes (?:/|or|,) no|y / n|true (?:/|or) false|no (?:/|or) yes|or not)\b")
_PACED = re.compile(
    r"\bevery (?:\d+ )?(?:second|minute|hour|day|week)\b"
    r"|\b(?:hourly|daily|weekly|monthly)"
    r"(?= (?:reading|measurement|record|data|observation|value|log|entry|price)|[ ,.;]*$)"
)


@dataclass(slots=True)
class Mark:
    """A phrase of the catalogue among the tokens."""

    first: int
    last: int
    phrase: Phrase
    is_field: bool
    kinds: list[Kind]
    is_plural: bool = False
    is_known: bool = True
    """Whether the catalogue has it; a name in one piece it need not have."""


@dataclass(frozen=True, slots=True)
class Head:
    """The name of a table before its fields, and how many rows it has: their tokens."""

    first: int
    last: int
    after: int
    number: int = -1


class Scanner:
    """The tokens, how each is used, and where the catalogue has a phrase for them."""

    def __init__(self, text: str) -> None:
        plain, unspaced = spaced(in_words(text))
        self.request = Request(clean(plain))
        found, self.request.language = translated(tokens(self.request.text), known())
        self.request.language = self.request.language or unspaced
        found, notes = (found, []) if self.request.language else mended(found)
        self.tokens = counted(portions(found))
        self.request.understood += notes
        self.names = outline.names(self.tokens, self.request.text) | outline.moments(self.tokens)
        """Names in one piece, `order_date`: their first tokens to their last."""
        self._inside = {at for first, last in self.names.items() for at in range(first, last + 1)}
        self.norm = limits.Norm(self.tokens)
        self.used = [""] * len(self.tokens)
        self.periods = limits.periods(self.norm)
        self.periods = [one for one in self.periods if not self._counts(one)]
        self.ranges = limits.ranges(self.norm, self.periods)
        for limit in [*self.periods, *self.ranges]:
            self.use(limit.first, limit.last, "limit")
        self.request.rhythm, spans = limits.rhythm(self.norm)
        for first, last in spans:
            self.use(first, last, "rhythm")
            self.used_share(last + 1)
        if step := limits.step(self.norm):
            self.request.step = step[0]
            if step[1][0] != step[1][1]:
                self.use(*step[1], "step")
            self.request.is_paced = bool(_PACED.search(self.norm.text))
        self._leave_out_purpose()
        self.heads: dict[int, Head] = {}
        """What begins the part of a table: `patients (500): name, ...`."""
        self.subjects: dict[int, int] = {}
        """Words that are tables by the way they are spoken of: their first tokens to their last."""
        self.sections: list[tuple[int, str]] = []
        """From where on which table is spoken of."""
        self.yes_or_no = [self.norm.span(*match.span()) for match in _YES_OR_NO.finditer(self.norm.text)]
        """Where a field is said to be so or not: the words for that are none of its name."""
        for first, last in self.yes_or_no:
            self.use(first, last, "yes or no")
        self.marks: dict[int, Mark] = {}
        self.values: dict[int, list[str]] = {}
        """Values that are listed, by a token of what they are values of."""
        self.table: Wanted | None = None
        self.is_listing_tables = False
        self.naming = False
        """Whether tables are listed by name: `tables: authors, books`."""
        self.listing = False
        self.in_part = False
        """Whether what is listed is a table's part under a head of its own."""
        self.is_named = False
        """Whether what is listed is said to be fields: `columns a, b and c`."""
        self.each = ""
        self.pending: list[Asked] = []
        self.brackets_of = outline.brackets(self.tokens)
        for limit in self.ranges:
            self._use_unit(limit.last + 1)
        self.request.domain = self._domain()
        self.near = self._near()
        """The domains of which something is said."""
        self.adjectives: set[int] = set()
        """Words that name a field, and here only say which things are meant."""
        self.item: list[int] = []

    def _leave_out_purpose(self) -> None:
        """What the data are for is not what they are about: `for my school project`."""
        for pattern in (_PURPOSE, _CHATTER, _EXERCISE):
            for match in pattern.finditer(self.norm.text):
                first, last = self.norm.span(match.start(), match.end())
                if last - first < len(self.tokens) - 2:
                    self.use(first, last, "purpose")

    def _use_unit(self, at: int) -> None:
        """A word right after a range is its unit, where nothing but it stands before the next comma."""
        at += self.word(at) == "°"
        if self.word(at) == "mm" and self.word(at + 1) == "hg":
            self.use(at, at + 1, "unit")
        if self.word(at) and self.word(at + 1) in (",", ";", ".", ")", "", "and", "or"):
            token = self.tokens[at]
            if token.kind == "word" and (
                token.word in _AFTER
                or (
                    not token.is_plural
                    and (token.word,) not in field_phrases()
                    and token.word not in english()
                    and token.word not in terms.MISSING | {"optional", "nullable", "unique"}
                )
            ):
                self.use(at, at, "unit")
                if self.word(at - 1) == "°":
                    self.use(at - 1, at - 1, "unit")

    def used_share(self, at: int) -> None:
        """A percentage right after a rhythm is its growth."""
        if at < len(self.tokens) and self.tokens[at].is_share:
            self.use(at, at, "rhythm")

    def use(self, first: int, last: int, what: str) -> None:
        """Notes that tokens are understood."""
        for at in range(first, last + 1):
            self.used[at] = self.used[at] or what

    def word(self, at: int) -> str:
        """The word at a place; empty outside the text."""
        return self.tokens[at].word if 0 <= at < len(self.tokens) else ""

    def text_of(self, first: int, last: int) -> str:
        """The words of the description between two tokens."""
        return self.request.text[self.tokens[first].start : self.tokens[last].end]

    def _counts(self, period: limits.Limit) -> bool:
        """Whether `in 2000` is rather a count: rows or a table follow."""
        after = self.word(period.last + 1)
        return period.first == period.last and (after in terms.ROWS or (after,) in kinds())

    def _look_around(self) -> None:
        """What holds for the whole: places, domain, rhythm, steps."""
        self._locales()
        words = " ".join(token.word for token in self.tokens)
        self._use_domain()
        for kind in lexicon()["goods"]:
            if re.search(
                rf"\b{re.escape(singular(kind))} (?:\w+ )?(?:shop|store|retailer|seller|dealer|sale|brand)\b", words
            ) or (
                kind in ("supermarket", "pharmacy", "restaurant", "grocery", "cafe", "pizza")
                and f" {kind}" in f" {words}"
            ):
                self.request.goods = kind
                break
        self.request.is_exact = bool(
            re.search(
                r"\b(?:only|just|exactly|precisely|nothing but|solely)\b(?! \d)(?: \w+){0,4}?(?: column| field|:|\s)",
                self.norm.text,
            )
            and re.search(
                r"\b(?:only|just|exactly|solely) "
                r"(?:the |these |those |this |two |three |four |five |\d )*"
                r"(?:following )?(?:column|field|attribute|\w+ and \w+|\w+ ,)",
                self.norm.text,
            )
        )
        self.request.is_linked = bool(
            re.search(
                r"\b(?:table|relational|linked|related|foreign key|joined|normalized|normalised|database|schema)\b",
                words,
            )
        )

    def _use_domain(self) -> None:
        """Words that only name the domain: `smart home` is no home."""
        domain = domains().get(self.request.domain)
        for phrase in domain.phrases if domain else ():
            for at in range(len(self.tokens) - len(phrase) + 1):
                if len(phrase) > 1 and self._phrase(at, len(phrase)) == phrase and phrase not in kinds():
                    own = any(kind.domain == self.request.domain for kind in kinds().get(phrase[-1:], []))
                    longer = any(self._phrase(at, size) in kinds() for size in range(len(phrase) + 1, len(phrase) + 4))
                    if phrase not in field_phrases() and not own and not longer:
                        self.use(at, at + len(phrase) - 1, "domain")

    def _locales(self) -> None:
        """Where people and places are from."""
        for place in places(self.tokens, self.request.text):
            self.use(place.first, place.last, "locale")
            if place.locale not in self.request.locales:
                self.request.locales.append(place.locale)
                where = " ".join(token.text for token in self.tokens[place.first : place.last + 1])
                note = f'"{where}": people and places of {place.locale}'
                self.request.understood.append(note if place.is_exact else f"{note}, the nearest that there is")

    def _domain(self) -> str:
        scores: dict[str, float] = {}
        for at in range(len(self.tokens)):
            for size in range(4, 0, -1):
                phrase = self._phrase(at, size)
                if phrase is None or self.used[at] == "purpose":
                    continue
                for domain in domains().values():
                    weight = 2.0 if phrase in domain.phrases else 0.0
                    hits = [kind for kind in domain.kinds.values() if phrase in kind.phrases]
                    weight += 1.0 * any(not kind.is_soft for kind in hits) + 0.4 * any(kind.is_soft for kind in hits)
                    if weight and domain.name != "general":
                        scores[domain.name] = (
                            scores.get(domain.name, 0) + weight * (1 + 0.5 * (size - 1)) + (0.1 if at < 6 else 0)
                        )
        return max(scores, key=lambda name: scores[name]) if scores else ""

    def _phrase(self, at: int, size: int) -> Phrase | None:
        """The words of `size` tokens, where all are words or numbers."""
        found = self.tokens[at : at + size]
        if len(found) < size or any(token.kind not in ("word", "number") for token in found) or found[0].kind != "word":
            return None
        return tuple(token.word for token in found)

    def _marks(self) -> list[Mark]:
        found, at = list[Mark](), 0
        while at < len(self.tokens):
            mark = next((one for size in range(9, 0, -1) if (one := self._mark(at, size))), None)
            if mark:
                found.append(mark)
                at = mark.last + 1
            else:
                at += 1
        return found

    def _mark(self, at: int, size: int) -> Mark | None:
        phrase = self._phrase(at, size)
        if phrase is None or any(self.used[at : at + size]) or (size == 1 and phrase[0] in terms.STOPS):
            return None
        if phrase == ("like",) and self._is_verb(at):
            return None
        if phrase == ("make",) and self.word(at + 1) not in (",", "and", "or", ")", "", "/", ";", "."):
            return None
        if size == 1 and found_verb(self.word(at - 1)) and not self.tokens[at].is_plural:
            return None
        is_name = self.names.get(at) == at + size - 1
        if not is_name and not self._inside.isdisjoint(range(at, at + size)):
            return None
        found = kinds().get(phrase, [])
        many = self.tokens[at + size - 1].is_plural and at > 0 and self.tokens[at - 1].kind == "number"
        if not found and size > 1 and many and self._is_field(phrase):
            found = kinds().get(phrase[-1:], [])
        is_field = self._is_field(phrase) or (is_name and not found)
        if not is_field and not found:
            return None
        many = self.tokens[at + size - 1].is_plural or phrase[-1] in terms.COLLECTIVE
        return Mark(at, at + size - 1, phrase, is_field, found, many, self._is_field(phrase) or bool(found))

    def _is_verb(self, at: int) -> bool:
        """Whether `like` is what somebody does, or `such as`, and no number of likes."""
        before = self.tokens[at - 1] if at else None
        is_listed = before is None or before.kind != "word" or before.word in terms.OPENERS | terms.JOINERS
        return not is_listed and not self.tokens[at].is_plural and self.word(at + 1) not in ("count", "button")

    def _is_field(self, phrase: Phrase) -> bool:
        """Whether a phrase names a field: of any table, or of one in a domain that is spoken of. A single word that one
        far table has for a field means something else here."""
        where = homes().get(phrase)
        return phrase in field_phrases() and (where is None or len(phrase) > 1 or not where.isdisjoint(self.near))

    def _near(self) -> set[str]:
        """The domain, and those of every table that the text has a word for."""
        found = {self.request.domain, "general"}
        for at in range(len(self.tokens)):
            for size in range(1, 4):
                phrase = self._phrase(at, size)
                if phrase is not None:
                    found |= {kind.domain for kind in kinds().get(phrase, [])}
        return found

    def _is_part(self, at: int) -> bool:
        word = self.word(at)
        plain = idle_words()
        keep = {
            "average",
            "total",
            "new",
            "last",
            "next",
            "max",
            "min",
            "maximum",
            "minimum",
            "mean",
            "median",
            "number",
            "test",
            "training",
            "learning",
            "service",
            "system",
            "production",
            "plan",
            "model",
            "project",
            "is",
            "has",
            "history",
        }
        glued = at + 1 < len(self.tokens) and self.tokens[at + 1].is_glued
        if self.listing and word in terms.NOUNS:
            return True
        if self.tokens[at].is_glued and word in ("on", "at", "by"):
            return True
        if self.is_named and len(word) == 1 and self.word(at + 1) in (",", "and", ".", ";", ""):
            return True
        return word not in plain or (glued and word in ("from", "to")) or (word in keep and (at + 1) < len(self.tokens))


def found_verb(before: str) -> bool:
    """Whether the word after this one is what somebody does: `they log in`."""
    return before in ("they", "we", "you", "i", "he", "she", "people", "users", "who", "can", "will", "cannot")


@cache
def domain_phrases() -> frozenset[Phrase]:
    return frozenset(phrase for one in domains().values() for phrase in one.phrases)


def clean(text: str) -> str:
    """The description without control characters, at most `LONGEST` long, its lines as items of a list."""
    cut = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", " ", text[:LONGEST])
    cut = "".join(letter for letter in cut if unicodedata.category(letter) != "Cf")
    cut = html.unescape(re.sub(r"[`´]", " ", cut))
    cut = re.sub(r"(?i)\bmembers? of (?:the )?(?:staff|team|personnel)\b", "employee", cut)
    cut = re.sub(r"(?is)<script\b.*?</script>", " ", cut)
    cut = re.sub(r"</?[A-Za-z][^<>]{0,100}>|&[a-z]{2,8};|\[\d{1,2}m", " ", cut) if _MARKUP.search(cut) else cut
    cut = in_iso(_in_lines(_INJECTED.sub(" ", cut)))
    cut = re.sub(r"\b([A-Za-z][\w-]*)\.(?:csv|tsv|jsonl?|ndjson|parquet|xlsx?|sql|yaml|yml)\b", r"table \1", cut)
    cut = re.sub(r"(?i)\b(e\.g|i\.e|approx|etc|incl|max|min|vs|resp|no|ca|abt)\.(?=\s|,|$)", _undotted, cut)
    cut = re.sub(r"(?i)\be[- ]?mail", "email", cut)
    cut = re.sub(r"(?i)\b(?:in total|all in all|in all|total of(?= \d))(?=\b)", " ", cut)
    cut = re.sub(r"\b(string|str|int|float|bool|text|date|datetime|number|url|uuid)\?", r"\1 optional", cut)
    cut = re.sub(r"(?i)\bppl\b", "people", cut)
    cut = re.sub(r"(?i)\b(flat) (table|file|csv)\b", r"\2", cut)
    cut = re.sub(r"(\d{4}-\d{2}-\d{2})T\d{2}:\d{2}[\d:.]*Z?", r"\1", cut)
    cut = _BOUNDED.sub(r"\1 from \2 to \3", cut)
    cut = re.sub(r"(?i)\bp ?= ?0?\.(\d{2})\b", r"\1% true", cut)
    cut = re.sub(r"(?i)\bw/(?=\s|\w)", "with ", cut)
    cut = re.sub(r"\b\d+(?:st|nd|rd|th)\b", " ", cut)
    return "".join(letter if letter.isprintable() else " " for letter in cut).strip()


_BOUNDED = re.compile(
    r"(?i)\b(int|integer|float|decimal|number|double|date|datetime|timestamp) ?[\[(] ?(-?[\d.:T-]{1,25}) ?(?:,|\.\.|to|-|–) ?(-?[\d.:T-]{1,25}) ?[\])]"
)
_AFTER = set(
    "bpm mmhg celsius fahrenheit c f kwh kw dbm ppm hpa lux rpm mbar db mg ml kcal bar volt watt amp kmh mph sqm".split()
)
"""Units of what is measured."""
_MARKUP = re.compile(
    r"</?(?:b|i|p|br|ul|li|div|span|script|em|strong|h\d|img|a|u|code|pre|td|tr|table)\b[^<>]*>|&\w{2,8};|\[\d{1,2}m"
)
_INJECTED = re.compile(
    r"(?i)[\"'`)\]]*;?\s*\b(?:drop|truncate)\s+(?:table|database)\s+\w+\s*;?(?:\s*--+)?|\bselect\s+(?:\*|\w+)\s+from\s+\w+\s*;?"
    r"|<script\b[^>]*>.*?</script>|\{\{.*?\}\}|\$\{[^}]*\}|\bdelete\s+from\s+\w+\s*;?|\bor\s+1\s*=\s*1\b|\brm\s+-rf\s+\S+"
)
"""Commands that are in a description by somebody's joke: none of them is a wish."""


def _undotted(match: re.Match[str]) -> str:
    """An abbreviation without its dots, which end no sentence."""
    return match[1].replace(".", " ") if match[1].lower() in ("e.g", "i.e") else match[1]


def _in_lines(text: str) -> str:
    """Lines as parts of a list; one that only goes on with the sentence before it is put to that."""
    made: list[str] = []
    for line in text.splitlines():
        said = re.sub(r"^(?:[*•·▪‣]|[-–—](?=\s)|\d{1,2}[.)](?=\s))\s*", "", line.strip())
        if not said:
            made.append(" . ") if made and made[-1] != " . " else None
            continue
        is_item = said != line.strip()
        before = made[-1] if made else " . "
        goes_on = before.endswith((",", ":", "(")) or (
            len(before) > 50
            and said[:1].islower()
            and before[-1:] not in ".;!?"
            and not re.match(r"[\w-]+(?: [\w-]+){0,2} ?[:(–—-]", said)
            and not re.match(r"\w+_\w+", said)
        )
        if made and before != " . ":
            made.append(" " if goes_on and not (is_item and not before.endswith(",")) else " ; ")
        made.append(said)
    return "".join(made)
