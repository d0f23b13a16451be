"""What is noted beside a field and is none itself: its type, that it may be empty, what it refers to."""

import re
from typing import Any

from ffgen.draft import terms
from ffgen.draft.read import Reader

_UNSURE = set("url uri date time timestamp text number email money real bit category datetime char".split())
"""Types that may be part of a name as well: `order date`."""
_BEFORE_TYPE = set("unique whole a an optional nullable positive required short random each all".split())
_FOLLOWS = set(
    ", ; . ) / | ( [ unique not null primary pk nullable optional and between from in one never max min up".split()
) | {""}
"""What may follow a type."""
_FLAGS = set(
    """
    unique distinct optional nullable required mandatory pk fk primary foreign key not null auto increment
    autoincrement default index indexed serial non identity max min maximum minimum character char positive long
    digit free format iso decimal place two between from to and or in of with up a an the only length letter
    capital uppercase lowercase alphanumeric value range random realistic valid generated per yyyy mm dd utc
    """.split()
)
_UNITS = set(
    """
    kg g cm mm m km eur usd gbp inr brl celsius fahrenheit c f percent minute hour day second month year m2 sqm
    sqft mb gb kwh kw w v bpm dollar euro pound cent mile meter liter litre degree hpa ppm lb ms %
    """.split()
)
_LATE = r"(?: (?:for|if|when|until|unless|while|where|because|except|before|as|in|on)\b[^,;.!?()%]{0,80})?"
_BLANK = (
    r"(?:empty|blank|null|missing|absent|unset|unknown|omitted|not set|left out|not given|skipped|n / a|na|nil|none)"
)
_MODAL = (
    r"(?:may|might|can|could|sometimes?|often|occasionally|possibly|maybe|usually|is allowed to"
    r"|are allowed to|allowed to|perhaps?|rarely|frequently)"
)
_LEFT = re.compile(
    rf"\b(?:which |that |it )?(?:stay|remain|stays|remains) (?:empty|blank|null)\b{_LATE}(?=[ ,.;)!?]|$)"
    rf"|\b(?:that |which )?(?:person|user|they|customer|some|many|most|guest|patient)? ?(?:often"
    rf"|sometimes?|may|can|usually)? ?(?:leave|left) (?:it )?(?:empty|blank|out)\b{_LATE}"
    rf"|"
    rf"(?:\b(?:which|that|and|but|it|they) )?\b{_MODAL} (?:\w+ ){{0,2}}?(?:be |stay |remain "
    rf"|left )?(?:left )?{_BLANK}{_LATE}(?=[ ,.;)!?]|$)"
    rf"|\b(?:which is |that is |is |are )?(?:empty|blank|null|unset|missing) (?:for|if|when|until"
    rf"|unless|while|where) [^,;.!?()%]{{1,80}}"
    rf"|\b(?:or|otherwise|else) (?:empty|blank|null|missing|none)\b(?! value)"
    rf"|\b(?:if|when|where) (?:any|known|available|applicable|present|given|there is (?:one|any)"
    rf"|they have (?:one|1|any)|provided|set|relevant|it exist)\b"
    rf"|\b(?:is |are )?not (?:always|necessarily) (?:\w+ ){{0,1}}?(?:there|present|filled|given|known"
    rf"|set|available|recorded|provided)\b(?: in)?"
    rf"|\b(?:is |are )?(?:not (?:required|mandatory|compulsory)|optional|nullable) (?:for|if|when"
    rf"|until|unless) [^,;.!?()%]{{1,60}}"
    rf"|\b(?:only |but only )(?:if|when|for|once|after) [^,;.!?()%]{{1,60}}"
)
_RIGHT = re.compile(
    r"\b(?:may|might|can|could) (?:also )?(?:have no|not have|have an? optional|lack)(?: an?| any)?\b"
    r"|\b(?:some|many|few|several)(?: of them)? (?:have|lack|miss|with)(?: no| out)?(?: an?"
    r"| any)?(?= )(?=.{0,30}missing)"
    r"|\b(?:some|many|several) (?:of them )?(?:have no|lack|without) (?:an? |any )?"
    r"|\b(?:sometimes?|optionally|maybe|possibly|perhaps?|occasionally)(?: also)?(?: with)?(?: an?"
    r"| the| some)?\b(?! (?:\w+ ){0,2}(?:empty|blank|null|missing|unknown|absent|left))"
)
_SINGLE = re.compile(
    r"\b(?:that |which )?never repeat\w*\b|"
    r"\b(?:which |that )?no (?:two|2) (?:\w+ ){0,3}?(?:the same|alike|share it|have the same|equal"
    r"|identical|share one|may share it|the same one)\b"
    r"|\b(?:that )?(?:nobody|no one|none) else (?:has|have|use)\b"
    r"|\b(?:never|not) (?:twice|repeated|reused|used twice|the same twice)(?: the same)?\b"
    r"|\b(?:that )?(?:must|may|should|can|do|does)(?: not|n t| never) (?:repeat|occur twice"
    r"|be repeated|be reused|be duplicated)\b"
    r"|\b(?:that )?(?:exist|appear|occur|come)s? only once\b|\ball (?:different|distinct|unique)\b"
    r"|\bone of a kind\b|\bno (?:duplicate|repeat)s?\b|\bwithout (?:duplicate|repetition)s?\b"
    r"|\b(?:different|unique|distinct) (?:for|per|to|in) (?:each|every)\b"
)
_STATING = set(
    "be is are must should can may range vary lie fall stay go always usually typically only run lies".split()
)
_STATING |= {"ranges", "varies", "falls", "goes", "stays", "from", "between", "somewhere"}
_OF_ALL = set("a an is are from between in within of integer boolean being".split())
"""What may follow `each` where it is said of all names before."""
_TRUTHS = set("true false yes no missing empty blank".split())
"""Words in brackets that are values or say that there may be none."""


class NoteReader(Reader):
    """A reader that sees what is noted beside fields."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.types: dict[int, dict[str, Any]] = {}
        """Types by the last token of what they are of."""
        self.blanks: list[tuple[int, int, bool]] = []
        """Where it is said that something may be empty; whether of the field that follows."""

        self.singles: list[tuple[int, int]] = []
        """Where it is said that no two are the same."""
        self.runs: list[list[int]] = []
        """Names of which the same is said: `a, b and c, each an integer`."""

    def _find_notes(self) -> None:
        self._find_runs()
        self._find_types()
        self._find_statements()
        self._find_singles()
        self._find_blanks()
        self._find_bracketed()

    def _find_types(self) -> None:
        """`age int`, `price: decimal(10,2)`, `created_at timestamp`."""
        sure = sum(token.word in terms.TYPES and token.word not in _UNSURE for token in self.tokens)
        for at in range(1, len(self.tokens)):
            kind = terms.TYPES.get(self.word(at), "")
            if not kind or self.used[at] or self.tokens[at].is_glued or self.tokens[at].is_plural or at in self.inside:
                continue
            head, colon = self._typed(at)
            if not self._is_head(head):
                continue
            ends = self._ends_item(self._parameters(at)[0] + 1)
            alone = head in self.inside or colon
            is_list = colon and self.word(at - 1) in (":", "=") and self.tokens[head].is_plural
            if (
                is_list
                or self.word(at) in _UNSURE
                and not (ends and (alone or (sure > 1 and self.tokens[at].text.islower())))
            ):
                continue
            last, short = self._parameters(at)
            if head not in self.inside and colon:
                self._name_statement(head)
            if kind == "number" and "whole" in [self.word(place) for place in range(head, at)]:
                kind = "integer"
            self.types[head] = {"type": kind, **short}
            self.use(head + 1, last, "type")

    def _typed(self, at: int) -> tuple[int, bool]:
        """The last token of what a type is of, and whether something between says so: `x: int`, `x is a unique int`."""
        back = at - 1
        while self.word(back) in _BEFORE_TYPE:
            back -= 1
        if self.word(back) == "," and any(back - 1 == run[0] for run in self.runs):
            return back - 1, True
        if self.word(back) in ("is", "are", ":", "=", "as", "being"):
            back -= 1
            return (back - 1 if self.word(back) in ("is", "as") else back), True
        return back, False

    def _name_statement(self, head: int) -> None:
        """`The fleet number is a whole number`: the words before a type are one name, where nobody knows them."""
        first = head
        while first > 0 and head - first < 3 and self._is_head(first - 1) and not self.used[first - 1]:
            first -= 1
        before = self.word(first - 1)
        known = self.mark_at(first, head - first + 1)
        if (
            known is None
            and before in ("", ".", ";", "the", "a", "an", "each", "its", ",", "and", "!")
            and first not in self.names
        ):
            self.names[first] = head
            self.inside |= {*range(first, head + 1)}

    def _parameters(self, at: int) -> tuple[int, dict[str, Any]]:
        """The last token of a type with its parameters, `varchar(255)`, and what they say."""
        is_sized = terms.TYPES[self.word(at)] not in ("enum", "boolean", "uuid") and self.word(at + 1) == "("
        close = self.brackets.get(at + 1, 0) if is_sized else 0
        inside = self.tokens[at + 2 : close] if close else []
        if not inside or any(token.kind != "number" and token.text != "," for token in inside):
            return at, {}
        said = re.findall(r"\d+", self.text_of(at + 2, close - 1))
        kind = terms.TYPES[self.word(at)]
        if kind == "number" and len(said) > 1:
            return close, {"decimals": min(int(said[1]), 9)}
        return close, {"longest": int(said[0])} if kind in ("string", "text") and int(said[0]) < 4000 else {}

    def _is_head(self, at: int) -> bool:
        token = self.tokens[at] if at >= 0 else None
        if token is not None and token.is_plural:
            return True
        plain = terms.OPENERS | terms.JOINERS | terms.STOPS | {"of", "the", "a", "an", "be", "is", "are"}
        return (
            token is not None
            and token.kind == "word"
            and (at in self.inside or token.word not in plain or token.is_glued)
        )

    def _ends_item(self, at: int) -> bool:
        word = self.word(at)
        return word in _FOLLOWS or (at < len(self.tokens) and self.tokens[at].kind in ("number", "date"))

    def _find_statements(self) -> None:
        """`Weekly hours must be between 10 and 40`: a name that nobody knows, before what bounds it."""
        for limit in [*self.ranges, *self.periods]:
            back = limit.first - 1
            while self.word(back) in _STATING:
                back -= 1
            plain = self.word(back) not in ("nobody", "none", "everyone", "all", "they", "it", "anyone")
            if back < limit.first - 1 and plain and self._is_head(back) and not self.used[back]:
                self._name_statement(back)

    def _find_bracketed(self) -> None:
        """What is in brackets after a field and only says something of it: `(string, unique)`, `(integer, 1-5)`."""
        for first, last in self.brackets.items():
            head = first - 1
            if last == first + 1 or self.word(first) == "{" or not self._is_head(head) or self.used[head] == "type":
                continue
            begins = self.word(first + 1) in terms.TYPES and self._ends_item(first + 2)
            if not begins and any(not self._is_note(at) for at in range(first + 1, last)):
                continue
            if not begins and all(
                self.tokens[at].kind in ("number", "mark") or self.word(at) == "or" for at in range(first + 1, last)
            ):
                if not any(self.used[at] for at in range(first + 1, last)):
                    continue
            for at in range(first + 1, last):
                if self.tokens[at].is_share or self.word(at) in _TRUTHS:
                    continue
                if begins and self._lists(first, last):
                    self.use(first + 1, first + 1, "type")
                    break
                kind = terms.TYPES.get(self.word(at), "")
                if kind and not self.used[at] and head not in self.types:
                    self.types[head] = {"type": kind, **self._parameters(at)[1]}
                if self.word(at) not in ("unique", "distinct", "optional", "nullable", "primary", "pk", "null"):
                    self.use(at, at, "type")

    def _lists(self, first: int, last: int) -> bool:
        """Whether values follow a type in brackets: `(enum: a, b, c)`, `(string, a | b)`."""
        words = [self.word(at) for at in range(first + 2, last)]
        return words.count("|") + words.count("/") > 0 or words[:1] == [":"] or "or" in words

    def _is_note(self, at: int) -> bool:
        token = self.tokens[at]
        if token.kind in ("number", "mark", "date") or self.used[at]:
            return token.text != "/" or self.used[at] != ""
        return token.word in terms.TYPES or token.word in _FLAGS or token.word in _UNITS

    def _find_singles(self) -> None:
        for match in _SINGLE.finditer(self.norm.text):
            first, last = self.norm.span(*match.span())
            if last >= first and not any(self.used[first : last + 1]):
                self.singles.append((first, last))
                self.use(first, last, "blank")
        for at, token in enumerate(self.tokens):
            pair = (token.word, self.word(at + 1)) in (("primary", "key"), ("foreign", "key"))
            if (token.word in ("pk", "fk") or pair) and at and not token.is_plural:
                if token.word in ("pk", "primary"):
                    self.singles.append((at, at))
                self.use(at, at + pair, "modifier")

    def _find_runs(self) -> None:
        """`a, b and c, each an integer from 1 to 5`."""
        for at, token in enumerate(self.tokens):
            if token.word not in ("each", "all", "both") or self.word(at + 1) not in _OF_ALL:
                continue
            heads, back = list[int](), at - 1
            while back >= 0:
                while back not in self.inside and self.word(back) in (",", "and", "(", "&", "/", "all"):
                    back -= 1
                if back not in self.inside:
                    break
                heads.append(back)
                back = next((first for first, last in self.names.items() if last == back), 0) - 1
            if len(heads) > 1:
                self.runs.append(heads)
                self.use(at, at, "modifier")

    def _find_blanks(self) -> None:
        for pattern, is_right in ((_LEFT, False), (_RIGHT, True)):
            for match in pattern.finditer(self.norm.text):
                first, last = self.norm.span(*match.span())
                if last < first or any(self.tokens[at].is_share for at in range(first, last + 1)):
                    continue
                self.blanks.append((first, last, is_right))
                self.use(first, last, "blank")
