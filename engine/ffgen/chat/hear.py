"""A sentence that amends what stands: heard by the rules, else by the drafter in the context of all before; proved
before it counts."""

import re
from collections.abc import Callable

from msgspec import structs

from ffgen.chat import edit, fields, rows, values
from ffgen.chat.find import (
    Place,
    bare,
    field_at,
    fields_called,
    kind_of,
    meaning_of,
    parent_of,
    table_at,
    table_called,
)  # fmt: skip
from ffgen.chat.heard import LEAVE, Heard, clash
from ffgen.chat.plain import places_in, plain
from ffgen.chat.questions import of_draft, question_of
from ffgen.chat.redraft import redrafted
from ffgen.chat.standing import Asking, Standing, Tools
from ffgen.draft.answers import apply
from ffgen.draft.drafting import Draft
from ffgen.draft.words import phrase_of, tokens
from ffgen.errors import Finding

Rule = Callable[[Standing, str], Heard | None]
RULES: tuple[Rule, ...] = (
    rows.one_table,
    rows.called,
    rows.written_as,
    rows.seeded,
    rows.when,
    rows.where,
    rows.each_has,
    rows.how_many,
    fields.optional,
    fields.unique,
    fields.left_out,
    fields.renamed,
    values.shared,
    values.between,
    values.shaped,
    values.values,
)
"""In the order in which they are tried; the first that knows a sentence takes it."""
_ADDS = re.compile(
    r"^(?:and )?(?:(?:also )?add|also|include|plus|with|put in|and|they (?:also )?have|it (?:also )?has|"
    r"(?:each|every) (?:one|row|of them) has|as well as|\+)(?: also)? (?P<rest>.+)$",
    re.IGNORECASE,
)
_TO = re.compile(r"^(?P<what>.+) (?:to|for|in|into|on) (?:the |each |every |all )?(?P<table>[\w -]+)$", re.IGNORECASE)
_HAS = re.compile(
    r"^(?:the |each |every |all )?(?P<table>[\w -]+?) (?:also )?(?:has|have|with|get|gets) (?:also )?(?P<what>.+)$",
    re.I,
)
_CLAUSE = re.compile(
    r"\s*;\s*|(?:\s*[.]\s+|\s*,\s*(?:and |but |then )?|\s+(?:and|but|then) )(?=(?:then )?(?:make|no |"
    r"drop|remove|without|leave|"
    r"only |call |rename|each |every |add|also|all |from |in |as |with |one table|unique|[\d.]+% ))",
    re.IGNORECASE,
)
_OPEN = re.compile(
    r"\?$|^(?:what|how|who|where|when|which|is|are|does|do|tell|show|explain|sort|order by|group|filter|plot|send|"
    r"upload)\b",
    re.IGNORECASE,
)
_PART = re.compile(r"\b(?:half|some|most|many|few|a third|a quarter)\b|%", re.IGNORECASE)
_UNKNOWN = "which nobody here knows"


def hear(now: Standing, line: str, tools: Tools) -> Heard | None:
    """What a sentence makes of a standing, proved by the plan; None for what nobody understands."""
    said = plain(line)
    if not said:
        return None
    found = rows.where(now, f"only {said}") if re.search(r"\binstead\b", line, re.IGNORECASE) else None
    found = found or (_whole(now, said, tools) if not _CLAUSE.search(said) else None)
    found = found or _clauses(now, said, tools) or _whole(now, said, tools) or _in_context(now, said, tools)
    if found is None or found.ask is not None:
        return found
    return _proved(now, found, said, tools)


def answered(now: Standing, asking: Asking, said: str, tools: Tools) -> Heard | None:
    """The standing with an answer to a question of the draft. UsageError, with what is wanted, for none."""
    if "." in asking.path:
        spec = apply(edit.copied(now.spec), question_of(asking), said)
        why = {**now.why, asking.path: f'you said "{said}"'} if spec != now.spec else now.why
        path = tuple(dict.fromkeys([*now.said, asking.path]))
        return _proved(now, Heard(now=structs.replace(now, spec=spec, why=why, said=path)), said, tools)
    found = redrafted(now, "", tools.draft, {asking.id: said}, is_model=bool(now.author))
    return _proved(now, Heard(now=_with_questions(found[0], found[1], found[2])), said, tools) if found else None


def _whole(now: Standing, said: str, tools: Tools) -> Heard | None:
    for rule in RULES:
        if (found := rule(now, said)) is not None:
            return found
    return added(now, said, tools)


def _clauses(now: Standing, said: str, tools: Tools) -> Heard | None:
    """Several things in one sentence, each of which must be understood."""
    parts = [plain(part) for part in _CLAUSE.split(said)]
    if len(parts) < 2:
        return None
    notes: list[str] = []
    for part in parts:
        found = _whole(now, part, tools) if part else None
        if found is None:
            return None
        if found.ask is not None:
            return found
        now, notes = found.now, [*notes, *found.notes]
    return Heard(now=now, notes=tuple(notes))


def added(now: Standing, said: str, tools: Tools) -> Heard | None:
    """`add a phone number and a birthday`, `orders have a shipping address`."""
    match = _ADDS.match(said)
    table, what = "", match["rest"] if match else ""
    if (
        (match or has_table(now, said))
        and (owner := _HAS.match(what or said))
        and (name := table_called(now.spec, owner["table"]))
    ):
        table, what = name, owner["what"]
    elif match and (to := _TO.match(what)) and (name := table_called(now.spec, to["table"])):
        table, what = name, to["what"]
    if not what or re.match(r"\d+ |between \d", what):
        return None
    notes: list[str] = []
    for part in _parts(what):
        if not table and _is_table(now, part):
            found = _in_context(now, bare(part), tools)
            if found is None or found.ask is not None:
                return found
            now, notes = found.now, [*notes, *found.notes]
            continue
        owner_ = table or _home(now, part)
        if (there := _there(now, owner_, part)) is not None:
            again = _more(there, part)
            heard = next((one for rule in RULES if again and (one := rule(now, again)) is not None), None)
            now = heard.now if heard is not None and heard.ask is None else now
            notes += [] if heard is not None else [f"{there} is there already."]
            continue
        found = _new_field(now, owner_, part, tools)
        if found is None:
            return None
        now, notes = found.now, [*notes, *found.notes]
    return Heard(now=now, notes=tuple(notes))


def _is_table(now: Standing, part: str) -> bool:
    """Whether a table is asked for that the catalogue knows: `add products`."""
    words = bare(part)
    several = [token for token in tokens(words) if token.kind == "word"][-1:]
    known = kind_of(words)
    return bool(several and several[0].is_plural and known and not table_called(now.spec, words)) and not any(
        field["name"] == words for table in now.tables for field in table["fields"]
    )


def has_table(now: Standing, said: str) -> bool:
    """Whether a sentence says what a table has."""
    match = _HAS.match(said)
    return match is not None and bool(table_called(now.spec, match["table"])) and not re.match(r"\d", match["what"])


def _new_field(now: Standing, table: str, part: str, tools: Tools) -> Heard | None:
    """A field that the drafter makes for a table; with values of its own where they are said."""
    name, listed = _with_values(part)
    core = re.sub(r"^(?:an?|the|some|their|its|another) ", "", name.strip(), flags=re.IGNORECASE)
    found = redrafted(now, f"{table} with {core}", tools.own)
    if found is None:
        return None
    made, before, after = found
    there = {field["name"] for field in (table_at(now.spec, table) or {"fields": []})["fields"]}
    fresh = [field for field in (table_at(made.spec, table) or {"fields": []})["fields"] if field["name"] not in there]
    if not fresh:
        return None
    spec, why = now.spec, dict(now.why)
    for field in fresh:
        path = f"{table}.{field['name']}"
        spec, why[path] = edit.with_field(spec, table, field), made.why.get(path, "you said so")
    made = structs.replace(made, spec=spec, why=why)
    name = f"{table}.{fresh[0]['name']}"
    if listed:
        told = values.values(made, f"{name}: {listed}")
        return Heard(now=made if told is None else told.now)
    if ends := re.search(r" (?:from|between) (\d+) (?:to|and) (\d+)$", part):
        made = _ranged(made, (table, str(fresh[0]["name"])), int(ends[1]), int(ends[2]))
    return Heard(now=_with_questions(made, before, after), notes=_unknown(after, before))


def _ranged(now: Standing, place: Place, low: int, high: int) -> Standing:
    """A field with the ends that were said, whatever the catalogue has for it."""
    field = field_at(now.spec, place)
    if field is None or field.get("type") not in ("string", "enum", "text") or low > high:
        return now
    gone = dict.fromkeys(("values", "weights", "generator", "pattern", "length"))
    return structs.replace(now, spec=edit.put(now.spec, place, {**gone, "type": "integer", "range": [low, high]}))


def _with_values(part: str) -> tuple[str, str]:
    """The name of a field and the values that are listed after it, if any."""
    name, colon, rest = part.partition(":")
    if colon:
        return (name, rest) if values.list_of_values(rest) else (part, "")
    listed = re.fullmatch(r"(.+?) \(?(?:one of |of |either )?([^()]+(?:,|/| or )[^()]+)\)?", part)
    if listed is None or " between " in part or " with " in part or not values.list_of_values(listed[2]):
        return part, ""
    return listed[1], listed[2]


def _in_context(now: Standing, said: str, tools: Tools) -> Heard | None:
    """What the drafter, a model where there is one, makes of a sentence after all the others."""
    if _OPEN.search(said) or (_PART.search(said) and places_in(said)[0]):
        return None
    found = redrafted(now, said, tools.draft, is_model=bool(now.author))
    if found is None:
        return None
    made, before, after = found
    asked = [one for one in of_draft(after) if one.id not in {other.id for other in of_draft(before)}]
    clashes = [one for one in asked if one.about == "range" and len(one.choices) == 2]
    if made.spec == now.spec:
        return Heard(now=now, ask=_newest_first(clashes[0])) if clashes else None
    ignored = [one for one in after.ignored if one not in before.ignored]
    if any(_UNKNOWN in why for path, why in made.why.items() if path not in now.why):
        return None
    if sum(len(one) for one in ignored) > len(said) / 2:
        return None
    notes = tuple(f'Not understood: "{one}".' for one in ignored)
    more = fields.unique(made, said)
    made = more.now if more is not None and more.ask is None else made
    return Heard(now=_with_questions(made, before, after), notes=notes)


def _newest_first(asking: Asking) -> Asking:
    """A contradiction of the draft: what was said last is the default."""
    return structs.replace(asking, default=asking.choices[1])


def _proved(before: Standing, found: Heard, said: str, tools: Tools) -> Heard:
    """What was heard, if it can be made; else the contradiction, as a question."""
    if found.now.spec == before.spec:
        return found
    errors = [one for one in tools.check(found.now.spec) if one.severity == "error"]
    if not errors:
        return found
    told, ways = f"That can't be: {errors[0].what} {errors[0].hint}".strip(), _ways(before, errors[0], said)
    if len(ways) == 1:
        return Heard(now=before, notes=(f"{told} So nothing is changed.",))
    return Heard(now=before, ask=clash(told, ways, LEAVE))


def _ways(before: Standing, error: Finding, said: str) -> list[tuple[str, str]]:
    """Ways out of a contradiction: to leave all as it was, and what the error says would do."""
    choices = [(LEAVE, "")]
    most = re.search(r"lower count to ([\d,]+)", error.hint) if error.path.startswith("dataset") else None
    if most is not None and int(most[1].replace(",", "")) >= 1:
        choices.append((f"{most[1]} rows", f"{said}; make it {most[1].replace(',', '')}"))
    if children := re.match(r"(\d+) rows of (\S+) have (\d+) to (\d+) children, not (\d+)", error.what):
        child = next((str(table["name"]) for table in before.tables
                      if any(parent_of(field) == children[2] for field in table["fields"])), "")  # fmt: skip
        fitting = round((int(children[3]) + int(children[4])) / 2)
        choices += [(f"and {fitting:,} {child}", f"{said}; {fitting} {child}")] if child and fitting else []
    return choices


def _with_questions(now: Standing, before: Draft, after: Draft) -> Standing:
    """The questions that are new with a draft."""
    known = {one.id for one in of_draft(before)} | {one.id for one in now.open} | {*now.settled}
    fresh = [one for one in of_draft(after) if one.id not in known and one.about in ("term", "range", "each")]
    return structs.replace(now, open=(*now.open, *fresh))


def _unknown(after: Draft, before: Draft) -> tuple[str, ...]:
    return tuple(f'Not understood: "{one}".' for one in after.ignored if one not in before.ignored)


def _parts(what: str) -> list[str]:
    """Fields that are listed; the values of one are not."""
    if ":" in what or re.search(r"\bbetween\b|\bfrom\b|\bone of\b|\(|\bor\b", what):
        return [what]
    return [part.strip() for part in re.split(r",\s*(?:and )?|\band\b|&|\+", what) if part.strip()]


def _there(now: Standing, table: str, part: str) -> str | None:
    """The field that is asked for again."""
    words = re.split(r":| between | from | that | which | up to | with | in (?=\w+$)", part)[0]
    exact = [one for one in fields_called(now.spec, words, table) if _same(table, one[1], words)]
    return ".".join(exact[0]) if exact else None


def _same(table: str, name: str, words: str) -> bool:
    if phrase_of(name) == phrase_of(bare(words)):
        return True
    mine, theirs = meaning_of(table, words), meaning_of(table, name.replace("_", " "))
    return mine is not None and mine is theirs


def _more(path: str, part: str) -> str:
    """What is said of a field that is there, as a sentence of its own."""
    rest = re.search(r":.*| between .*| from .*| up to .*", part)
    return f"{path}{rest[0]}" if rest else ""


def _home(now: Standing, part: str) -> str:
    """The table that a field belongs to: where the catalogue has it, else the main one."""
    words = re.split(r":| between | from | up to | with ", part)[0]
    phrase = phrase_of(bare(words))
    for own in (True, False):
        for table in now.tables:
            kind = kind_of(str(table["name"]))
            meaning = kind.called(phrase) if kind else None
            if kind is None or meaning is None:
                continue
            if (own and meaning.name in kind.own) or (not own and meaning.name in kind.fields):
                return str(table["name"])
    people = [str(table["name"]) for table in now.tables if (kind := kind_of(str(table["name"]))) and kind.has_people]
    if people and now.main not in people and _of_people(words):
        return people[0]
    return now.main


def _of_people(words: str) -> bool:
    personal = {"phone", "email", "address", "age", "birthday", "birth", "gender", "mobile", "name", "nationality"}
    return bool(personal & {*phrase_of(words)})
