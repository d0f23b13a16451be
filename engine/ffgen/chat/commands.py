"""The words that steer a conversation, with a slash or without, and the help that lists them."""

import re

from ffgen.chat.find import fields_called
from ffgen.chat.standing import Change, Part, Standing

HELP = """\
Say what the data is about, then what should be other. Enter takes what stands in brackets; a number chooses.

  make it 5000                      200 orders; twice as many
  add a phone number                orders have a shipping address; add a grade: A, B or C
  no email                          drop the phone and the city; no refunds
  emails must be unique             phones may repeat; phone is optional; 30% have no phone
  age between 18 and 65             price up to 500; status is one of open, closed
  5% of orders are refunded         70% active; 5% duplicates
  each customer has 1 to 5 orders   one table
  only Germany                      from France and Spain
  last two years                    orders from 2022 to 2024; more on weekends
  rename phone to mobile            call it bikes; as parquet; seed 7

  show      the whole spec          preview   ten rows
  why       where each field is from (why email: one)
  undo      take the last line back, as often as you like; redo
  done      ten rows, the spec, and the question whether to make it
  start over, quit, help; all with a slash, too: /show
Nothing is lost: every line is kept as it is said."""
_WORDS = {
    "undo": "undo|take that back|back",
    "redo": "redo",
    "show": "show(?: (?:it|me|me it|the spec|spec|all))?|spec|print",
    "preview": "preview|(?:show |show me )?(?:some |a few |ten |10 )?(?:rows|examples|sample)",
    "done": (
        "done|that'?s (?:all|it)|finish|ready|go|go ahead|generate(?: it)?|make (?:it|the data)|finished|"
        "nothing(?: else)?"
    ),
    "quit": "quit|exit|bye|q|stop|cancel",
    "help": r"help|\?|commands",
    "why": "why",
    "new": "start over|restart|new|reset|begin again",
}
_TAKES = ("why", "new")


def command_of(said: str, now: Standing | None) -> tuple[str, str] | None:
    """The command that a line is, and what follows it. `why email` is one, where there is an email."""
    slash = said.startswith("/")
    words = said[1:].strip() if slash else said.strip().rstrip(".!")
    for name, pattern in _WORDS.items():
        if re.fullmatch(pattern, words, re.IGNORECASE):
            return name, ""
        match = re.fullmatch(rf"(?:{pattern})\s*:?\s+(.+)", words, re.IGNORECASE) if name in _TAKES else None
        if match is not None and (slash or name == "new" and ":" in words or name == "why" and _there(now, match[1])):
            return name, match[1]
    return ("", words) if slash else None


def reasons(now: Standing, words: str) -> Part:
    """Where fields are from."""
    places = fields_called(now.spec, words.rstrip("?")) if words else [
        (str(table["name"]), str(field["name"])) for table in now.tables for field in table["fields"]
    ]  # fmt: skip
    told = tuple(Change(sign="~", path=".".join(one), text=now.why.get(".".join(one), "you said so")) for one in places)
    return Part(kind="why", changes=told)


def _there(now: Standing | None, words: str) -> bool:
    return now is not None and bool(fields_called(now.spec, words.rstrip("?")))
