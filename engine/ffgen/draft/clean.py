"""What of a description is read: no control characters, no markup, no commands, its lines as items of a list."""

import html
import re
import unicodedata

from ffgen.draft.dates import in_iso

LONGEST = 20_000
"""Characters of a description that are read."""


_BOUNDED = re.compile(
    r"(?i)\b(int|integer|float|decimal|number|double|date|datetime|timestamp)"
    r" ?(?:\[ ?(-?[\d.:T-]{1,25}) ?(?:,|\.\.|to|–) ?(-?[\d.:T-]{1,25}) ?\]"
    r"|\( ?(-?[\d.:T]{1,25}) ?(?:\.\.|to|–) ?(-?[\d.:T]{1,25}) ?\))"
)


_MARKUP = re.compile(
    r"</?(?:b|i|p|br|ul|li|div|span|script|em|strong|h\d|img|a|u|code|pre|td|tr|table)\b[^<>]*>|&\w{2,8};|\[\d{1,2}m"
)


_INJECTED = re.compile(
    r"(?i)[\"'`)\]]*;?\s*\b(?:drop|truncate)\s+(?:table|database)\s+\w+\s*;?(?:\s*--+)?"
    r"|\bselect\s+(?:\*|\w+)\s+from\s+\w+\s*;?"
    r"|<script\b[^>]*>.*?</script>|\{\{.*?\}\}|\$\{[^}]*\}|\bdelete\s+from\s+\w+\s*;?"
    r"|\bor\s+1\s*=\s*1\b|\brm\s+-rf\s+\S+"
    r"|\b(?:ignore|disregard|forget) (?:all |any )?(?:the |your )?(?:previous|prior|above|earlier) "
    r"(?:instructions?|rules|prompts?)\b"
    r"|\b(?:print|reveal|show|output|repeat) (?:me )?(?:your|the) (?:hidden |system |secret )*prompt\b"
    r"|\byou are now \w+\b"
)
"""Commands that are in a description by somebody's joke: none of them is a wish."""


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
    cut = _BOUNDED.sub(lambda match: f"{match[1]} from {match[2] or match[4]} to {match[3] or match[5]}", cut)
    cut = re.sub(r"(?i)\b(?:some|any) (?:day|time|date|point) (?=in |during |between |from )", "", cut)
    cut = re.sub(r"(?i)\bup to and including\b", "to", cut)
    cut = re.sub(r"(?i)\bp ?= ?0?\.(\d{2})\b", r"\1% true", cut)
    cut = re.sub(r"(?i)\bw/(?=\s|\w)", "with ", cut)
    cut = re.sub(r"\b\d+(?:st|nd|rd|th)\b", " ", cut)
    return "".join(letter if letter.isprintable() else " " for letter in cut).strip()


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
