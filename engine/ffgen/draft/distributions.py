"""Values with their shares: `40% red, 60% blue`, `red 40%, blue (60%)`, `red/blue 40/60`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ffgen.draft.words import Token, word_at

_BREAKS = {",", ";", "/", "|", "&", "and", "or", "plus"}
_BEFORE = {"about", "around", "roughly", "approximately", "nearly", "another", "some", "a", "the", "with", "at", "for"}
_BEFORE |= {"just", "maybe", "say", "probably", "almost", "further", "other", "in", "to", "being"}
_FILLERS = {"are", "is", "were", "was", "be", "being", "of", "the", "them", "a", "an", "as", "in", "at", "for", "on"}
_FILLERS |= {"to", "with", "have", "has", "should", "will", "go", "goes", "come", "comes", "from", "those", "these"}
_WHERE = set("transit progress stock store person review use service repair site hold time".split())
_REST = {"rest", "remainder", "other", "remaining", "balance", "else", "otherwise", "others"}
_GLUE = set(
    """
    : ( = is are being of either split distributed as roughly about with which that - – — [ { can be should mix
    the a an into one must was ,
    """.split()
)
_LEADS = set(
    """
    ( with in at split roughly about ratio weighted weight share probability = of : , distribution a the as
    approximately around distributed mix ) ] }
    """.split()
)
_ENDS = {".", ";", "!", "?"}
_COPULAS = {"are", "is", "were", "was", "be"}


@dataclass(frozen=True, slots=True)
class Distribution:
    """Values with their shares: where they stand, the last token of what they are the values of, and each value as its
    first and last token with its part of the whole."""

    first: int
    last: int
    head: int
    values: list[tuple[int, int, float]]


def distributions(found: Sequence[Token], is_value: Callable[[int], bool]) -> list[Distribution]:
    """All values with shares: `40% red, 60% blue`, `red 40%, blue (60%)`, `red/blue 40/60`; `is_value` tells of a token
    whether it may be part of a value."""
    made = [*_alternating(found), *_weighted(found)]
    taken = {at for one in made for at in range(one.first, one.last + 1)}
    shares = [at for at, token in enumerate(found) if token.is_share and 0 <= token.number <= 100 and at not in taken]
    at = 0
    while at < len(shares):
        one = _leading(found, shares[at:], is_value) or _trailing(found, shares[at:], is_value)
        if one is None:
            at += 1
            continue
        made.append(one)
        at += sum(one.first <= share <= one.last for share in shares[at:])
    return made


def _leading(found: Sequence[Token], shares: list[int], is_value: Callable[[int], bool]) -> Distribution | None:
    """`40% red, 60% blue`, the last one perhaps `the rest blue`."""
    values: list[tuple[int, int, float]] = []
    at = shares[0]
    while True:
        start = end = at + 1
        while end < len(found) and _goes_on(found, end) and end - start < 7 and is_value(end):
            end += 1
        value = _core(found, start, end - 1)
        if value is None or (end < len(found) and not _stops(found, end)):
            return None
        if word_at(found, start) == "of" and not any(word_at(found, at) in _COPULAS for at in range(start, end)):
            return None
        values.append((*value, found[at].number / 100))
        last, after = end - 1, end
        while after < len(found) and (
            word_at(found, after) in _BREAKS | _BEFORE or found[after].text in ("~", ")", "(")
        ):
            after += 1
        if after < len(found) and after >= end and found[after].is_share and after in shares:
            at = after
            continue
        if rest := _rest(found, end, is_value):
            values += _shared(found, rest, values)
            last = rest[1]
        break
    head = _head(found, shares[0])
    if len(values) < 2 or not _is_whole(values, head):
        return None
    return Distribution(shares[0], last, head, values)


def _trailing(found: Sequence[Token], shares: list[int], is_value: Callable[[int], bool]) -> Distribution | None:
    """`red 40%, blue (60%)`."""
    values: list[tuple[int, int, float]] = []
    start, last = -1, -1
    for share in shares:
        back = share - 1
        while back >= 0 and (
            (word_at(found, back) in _BEFORE | {"=", ":"} and not found[back].text.isupper())
            or found[back].text in "(~-–—"
        ):
            back -= 1
        end = back
        while back > last and back > end - 6 and _goes_on(found, back) and is_value(back):
            if word_at(found, back) in _COPULAS | {"either"} or (
                word_at(found, back) == "of" and word_at(found, back - 1) != "out"
            ):
                break
            back -= 1
        between = [at for at in range(last + 1, back + 1) if word_at(found, at) not in _BREAKS | {")"}]
        between = [] if last < 0 else between
        value = _core(found, back + 1, end)
        if value is None or (values and between):
            break
        values.append((*value, found[share].number / 100))
        start = value[0] if start < 0 else start
        share = _of_whole(found, share)
        last = (
            share + 1
            if word_at(found, share + 1) == ")" and "(" in [word_at(found, at) for at in range(end, share)]
            else share
        )
    if values and (rest := _rest(found, last + 1, is_value)):
        values += _shared(found, rest, values)
        last = rest[1]
    head = _head(found, start) if values else -1
    if len(values) < 2 or not _is_whole(values, head):
        return None
    return Distribution(start, last, head, values)


def _of_whole(found: Sequence[Token], share: int) -> int:
    """The last token of a share with what it is of: `66% of the orders`."""
    at = share + 1
    if word_at(found, at) != "of":
        return share
    while (
        at + 1 < len(found)
        and at - share < 4
        and found[at + 1].kind == "word"
        and word_at(found, at + 1) not in _BREAKS
    ):
        at += 1
    return at if word_at(found, at + 1) in _BREAKS | _ENDS | {""} else share


def _is_whole(values: list[tuple[int, int, float]], head: int) -> bool:
    """Whether parts may be those of one whole; where it is said of what, they need not add up."""
    total = sum(part for *_, part in values)
    return (0.9 <= total <= 1.1 or (head >= 0 and total > 0.2)) and all(part >= 0 for *_, part in values)


def _shared(
    found: Sequence[Token], rest: tuple[int, int], values: list[tuple[int, int, float]]
) -> list[tuple[int, int, float]]:
    """What is left, in equal parts to the values that are said of the rest: `the rest blue or green`."""
    spans, start = [], rest[0]
    for at in range(rest[0], rest[1] + 2):
        if at > rest[1] or word_at(found, at) in _BREAKS:
            core = _core(found, start, at - 1)
            spans += [core] if core else []
            start = at + 1
    left = max(1 - sum(part for *_, part in values), 0)
    return [(first, last, left / len(spans)) for first, last in spans]


def _weighted(found: Sequence[Token]) -> list[Distribution]:
    """`red/green/blue (50/30/20)`, `red, green or blue with 50%, 30% and 20%`."""
    made: list[Distribution] = []
    at = 0
    while at < len(found):
        numbers, end = _numbers(found, at)
        if len(numbers) < 2:
            at += 1
            continue
        total = sum(numbers)
        one = None
        if 98 <= total <= 102 or 0.98 <= total <= 1.02:
            one = _before(found, at, end, [number / total for number in numbers])
        if one is not None:
            made.append(one)
        at = end + 1
    return made


def _alternating(found: Sequence[Token]) -> list[Distribution]:
    """`en 70 / es 20 / pt 10` after what it is of: numbers that add up to a hundred."""
    made: list[Distribution] = []
    at = 1
    while at < len(found):
        if word_at(found, at - 1) not in (":", "(", "=", "[", "{"):
            at += 1
            continue
        values, end = list[tuple[int, int, float]](), at
        while end < len(found):
            start = end
            while (
                end < len(found)
                and found[end].kind == "word"
                and word_at(found, end) not in _BREAKS
                and end - start < 4
            ):
                end += 1
            end += start < end < len(found) and word_at(found, end) in (":", "=")
            is_pair = end > start and end < len(found) and found[end].kind == "number" and not found[end].is_share
            if not is_pair:
                break
            values.append((start, end - 1 - (word_at(found, end - 1) in (":", "=")), found[end].number))
            end += 1
            if word_at(found, end) not in _BREAKS:
                break
            while word_at(found, end) in _BREAKS:
                end += 1
        total = sum(part for *_, part in values)
        head = _head(found, at)
        if len(values) > 1 and head >= 0 and (98 <= total <= 102 or 0.98 <= total <= 1.02):
            last = values[-1][1] + 1 + (word_at(found, values[-1][1] + 1) in (":", "="))
            made.append(Distribution(at, last, head, [(one, two, part / total) for one, two, part in values]))
        at = max(end, at + 1)
    return made


def _numbers(found: Sequence[Token], at: int) -> tuple[list[float], int]:
    """Numbers in a row that only separators part, and the last token of them."""
    made: list[float] = []
    end = at
    while at < len(found) and found[at].kind == "number" and not found[at].is_money:
        made.append(found[at].number)
        end = at
        at += 1
        while at < len(found) and (word_at(found, at) in _BREAKS or found[at].text == ":"):
            at += 1
    return made, end


def _before(found: Sequence[Token], first: int, last: int, parts: list[float]) -> Distribution | None:
    """As many values as there are parts, right before them."""
    at = first - 1
    while at >= 0 and (word_at(found, at) in _LEADS or found[at].text in "~"):
        at -= 1
    values: list[tuple[int, int]] = []
    while at >= 0 and len(values) < len(parts):
        end = at
        while (
            at >= 0
            and found[at].kind in ("word", "number")
            and word_at(found, at) not in _BREAKS | _GLUE
            and end - at < 4
        ):
            at -= 1
        if end == at:
            return None
        values.insert(0, (at + 1, end))
        if len(values) < len(parts):
            stop = at
            while at >= 0 and word_at(found, at) in _BREAKS:
                at -= 1
            if stop == at:
                return None
    if len(values) < len(parts):
        return None
    start, end = values[0]
    if not (at >= 0 and word_at(found, at) in _GLUE - {"a", "an", "the"}):
        # `plan free/pro`: the name stands right before the first value
        start = end
        at = end - 1
        values[0] = (start, end)
        if at < 0 or found[at].kind != "word":
            return None
    close = last + 1 if word_at(found, last + 1) in (")", "%") else last
    whole = [(one, other, part) for (one, other), part in zip(values, parts, strict=True)]
    return Distribution(values[0][0], close, _head(found, values[0][0]), whole)


def _goes_on(found: Sequence[Token], at: int) -> bool:
    token = found[at]
    if token.kind == "word":
        return token.word not in _BREAKS | {"while", "but", "rest", "remaining"}
    return token.kind == "number" and not token.is_share or token.text in ("\"'“”‘’`-+<>")


def _stops(found: Sequence[Token], at: int) -> bool:
    return word_at(found, at) in _BREAKS | _ENDS | {")", "]", "}", "while", "but"} or found[at].is_share


def _core(found: Sequence[Token], start: int, last: int) -> tuple[int, int] | None:
    """The words of a value without those that only join it: `of the loans are` late."""
    if word_at(found, start) in ("of", "are", "is", "were"):
        copulas = [at for at in range(start, last) if word_at(found, at) in _COPULAS]
        start = copulas[-1] + 1 if copulas else start
    tails = [at for at in range(start + 1, last) if word_at(found, at) in ("for", "in", "of", "on")]
    if tails and word_at(found, tails[0] + 1) in ("the", "all", "them", "our"):
        last = tails[0] - 1
    if last - start == 1 and word_at(found, start) in ("in", "on", "out", "at") and word_at(found, last) in _WHERE:
        return start, last
    while start <= last and (_is_filler(found, start) or found[start].text in "\"'“”‘’`"):
        start += 1
    while last >= start and (_is_filler(found, last) or found[last].text in "\"'“”‘’`"):
        last -= 1
    return (start, last) if 0 <= last - start <= 3 else None


def _is_filler(found: Sequence[Token], at: int) -> bool:
    return word_at(found, at) in _FILLERS and not (len(found[at].text) == 1 and found[at].text.isupper())


def _rest(found: Sequence[Token], at: int, is_value: Callable[[int], bool]) -> tuple[int, int] | None:
    """`, the rest blue`, `, otherwise blue` or `and blue for the rest` at a place."""
    start, said = at, False
    while at < len(found) and (
        word_at(found, at) in _BREAKS | _FILLERS | {"everyone", "everything", "all", "either"} | _REST
        or found[at].text in "):-"
    ):
        said = said or word_at(found, at) in _REST
        at += 1
    if not said:
        return _rest_after(found, start, is_value)
    end = at
    while end < len(found) and is_value(end) and end - at < 7:
        if not _goes_on(found, end) and not (word_at(found, end) in _BREAKS and _is_listed(found, at, end)):
            break
        end += 1
    return (at, end - 1) if end > at else None


def _is_listed(found: Sequence[Token], first: int, at: int) -> bool:
    """Whether a separator stands between values of a list that ends with `or`."""
    return word_at(found, at) == "or" or (
        word_at(found, at) == "," and "or" in [word_at(found, place) for place in range(at + 1, at + 5)] and at > first
    )


def _rest_after(found: Sequence[Token], at: int, is_value: Callable[[int], bool]) -> tuple[int, int] | None:
    while at < len(found) and word_at(found, at) in _BREAKS:
        at += 1
    end = at
    while end < len(found) and end - at < 4 and _goes_on(found, end) and is_value(end):
        if word_at(found, end) in ("for", "in", "otherwise", "("):
            break
        end += 1
    tail = [word_at(found, place) for place in range(end, end + 4)]
    is_rest = tail[0] in ("for", "in", "(", "otherwise") and bool({*tail} & _REST)
    return (at, end - 1) if is_rest and end > at else None


def _head(found: Sequence[Token], at: int) -> int:
    """The last token of what is spoken of before a place; -1 where nothing is."""
    at -= 1
    while at >= 0 and (word_at(found, at) in _GLUE | _BEFORE or found[at].text in "~"):
        at -= 1
    return at if at >= 0 and found[at].kind == "word" and word_at(found, at) not in _BREAKS else -1
