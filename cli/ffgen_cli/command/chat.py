"""`ffgen chat`: requirements in conversation, and the data they lead to."""

from __future__ import annotations  # naming a type of the library must not load the library

import sys
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import click

import ffgen
from ffgen.errors import DestinationError, Interrupted, UsageError
from ffgen_cli.command.describe import SUFFIXES, make, model_settings, rows_of, save, spec_beside
from ffgen_cli.option import LOOKS, OTHER, Command, flag, settings, takes_drafter
from ffgen_cli.report import as_json, cell, table
from ffgen_cli.session import Session
from ffgen_cli.settings import RECORDS, SHOW, Settings
from ffgen_cli.talking import Lines, ask, show, wrapped
from ffgen_cli.terminal import clean, columns

PREVIEW = 10
EPILOG = """
Examples:
  ffgen chat                                         asks; Enter takes what stands in brackets
  ffgen chat "customers of a bike shop" -o bikes.csv
  ffgen chat --list
  ffgen chat --resume 7kq3                           goes on; without an id, the last one
  ffgen chat --export 7kq3 > bikes.yaml              the spec, the transcript in its comments
  printf 'orders with customers\\nmake it 500\\n' | ffgen chat --yes -o shop.csv

Say `help` in a conversation for what can be said. Ctrl-C, Ctrl-D and `quit` end it; it is kept, line by line, and
can be gone on with. Input from a pipe that ends before anybody said yes makes nothing and ends with 2, unless --yes.
Conversations stand in the user's state folder (FFGEN_STATE_DIR), readable by nobody else, until --delete.
"""


@click.command("chat", cls=Command, epilog=EPILOG)
@click.argument("text", metavar="TEXT", required=False)
@settings("count", "output", "format", "seed")
@flag("-y", "--yes", is_flag=True, group=RECORDS, help="Make the data without a last question, at the end of the "
      "input, too. Existing data is replaced.")  # fmt: skip
@flag("--resume", "resume", metavar="[ID]", is_flag=False, flag_value="last", group=RECORDS,
      help="Go on with a conversation: its id, or the beginning of it; without one, the last.")  # fmt: skip
@flag("--list", "list_", is_flag=True, group=SHOW, help="List the conversations, and end.")
@flag("--export", "export", metavar="[ID]", is_flag=False, flag_value="last", group=SHOW,
      help="Print a conversation as a spec, its transcript in comments; to -o, where it is given.")  # fmt: skip
@flag("--delete", "delete", metavar="ID", group=OTHER, help="Forget a conversation.")
@flag("--force", is_flag=True, group=OTHER, help="Replace a spec that exists and is another one.")
@takes_drafter
@settings("workers", "timeout", "fresh", "no_clobber", "cache_dir")
@flag("--json", "json_", is_flag=True, group=SHOW, help="With --list, one JSON document on standard output.")
@settings("progress", "quiet", *LOOKS)
@click.pass_obj
def chat(
    session: Session,
    /,
    text: str | None,
    yes: bool,
    resume: str | None,
    list_: bool,
    export: str | None,
    delete: str | None,
    force: bool,
    model_only: bool,
    json_: bool,
    **flags: Any,
) -> None:
    """Find out in conversation what data is wanted, see the spec grow and ten rows of it, then make it.

    Every question has a default. The spec is written beside the data, as `describe` does.
    """
    chosen = session.begin(flags, as_json=json_)
    if sum((list_, export is not None, delete is not None, resume is not None)) > 1:
        raise UsageError("--list, --resume, --export and --delete are one each.", hint="Say one of them.")
    if list_:
        session.terminal.say(as_json(ffgen.chats()) if json_ else listed(session))
    elif export is not None:
        save_export(session, ffgen.export_chat(export), flags["output"], force)
    elif delete is not None:
        session.terminal.note(f"Forgotten: {ffgen.delete_chat(delete)}")
    else:
        if resume is not None and flags["count"] is not None:
            raise UsageError("-n is for a new conversation.", hint="Say it in this one: make it 5000.")
        how = model_settings(session, chosen, model_only)
        talk = ffgen.chat(resume, rows=rows_of(flags["count"]), seed=chosen["seed"], yes=yes, **how)
        Desk(session, talk, chosen, Lines(session.terminal), yes, force, bool(how)).work(text)


@dataclass(slots=True)
class Desk:
    """One sitting: lines are read, given to the conversation, and what it replies is shown and carried out."""

    session: Session
    chat: ffgen.Chat
    chosen: Settings
    lines: Lines
    yes: bool
    force: bool
    is_modelled: bool

    def work(self, text: str | None) -> None:
        """Until the data is made, or the conversation is left."""
        try:
            self._talk(text)
        except KeyboardInterrupt as error:
            raise Interrupted(2, "Stopped.", hint=self._kept()) from error
        except Interrupted as error:
            raise Interrupted(error.signal, error.what, hint=f"{error.hint} {self._kept()}".strip()) from error

    def _talk(self, text: str | None) -> None:
        reply = self.chat.open()
        self.lines.remember([turn.said for turn in self.chat.turns if turn.said])
        if text is not None:
            if self.chat.turns:
                self._show(reply)
            self.session.terminal.always(clean(f"> {text}"))
            reply = self.chat.say(text)
        while True:
            self._show(reply)
            if reply.act == "make" and self._made():
                return
            if reply.act == "quit":
                self.session.terminal.note(self._kept())
                return
            if self.chat.stage == "confirming":
                self.session.terminal.always("\n".join(wrapped(self._where(), self.session.terminal.width)))
            ask(self.chat.asking, self.session.terminal)
            line = self.lines.next()
            if line is None:
                last = self._ended()
                if last is None:
                    return
                reply = last
            else:
                reply = self.chat.say(line)

    def _show(self, reply: ffgen.Reply) -> None:
        kinds = {part.kind for part in reply.parts}
        preview = self._preview() if "preview" in kinds else ""
        show(reply, self.session.terminal, preview, self.chat.text if "spec" in kinds else "")

    def _ended(self) -> ffgen.Reply | None:
        """The input has ended: with --yes all defaults are taken; a person left; a pipe was too short."""
        if self.yes and self.chat.stage != "new":
            return self.chat.finish()
        if self.lines.is_terminal:
            self.session.terminal.note(self._kept())
            return None
        if not self.chat.id:
            raise UsageError("The input ended before anything was said.", hint="Say what the data is about.")
        raise UsageError("The input ended before anybody said yes: no data was made.",
                         hint=f"{self._kept()} --yes takes the defaults and makes the data.")  # fmt: skip

    def _kept(self) -> str:
        if not self.chat.id:
            return "Nothing was said, and nothing is kept."
        return f"The conversation is kept as {self.chat.id}: `ffgen chat --resume {self.chat.id}` goes on with it."

    def _preview(self) -> str:
        """Ten rows of each table."""
        terminal, parts = self.session.terminal, []
        made = ffgen.plan(self.chat.spec)
        names = list(made.chosen(None))
        for name in names:
            frames = ffgen.run(made, table=name, timeout=self.chosen["timeout"], cache_dir=self.chosen["cache_dir"],
                               isolate=not self.is_modelled)  # fmt: skip
            assert isinstance(frames, ffgen.Frames)  # since no destination was given
            with frames:
                rows = list(islice((row for frame in frames for row in frame.iter_rows(named=True)), PREVIEW))
            shown, rest = fitting(rows, terminal.width)
            cells = [[row[one] for one in shown] for row in rows]
            drawn = table(shown, cells, terminal.width, terminal.colored(sys.stderr))
            drawn += "\n" + "\n".join(wrapped(f" and {', '.join(rest)}", terminal.width)) if rest else ""
            parts.append(f"{name}\n\n{drawn}" if len(names) > 1 else drawn)
        return "\n" + "\n\n".join(parts) + "\n"

    def _target(self) -> tuple[str, str | None]:
        """The destination of the data, and its format where the name does not say it."""
        format = self.chosen["format"] or self.chat.format or None
        data = self.chosen["output"] or f"{self.chat.name}.{format or 'csv'}"
        if format is None and data != "-" and not Path(data).suffixes:
            format = "csv"
        return data, format

    def _where(self) -> str:
        data, format = self._target()
        if data == "-":
            return "The data goes to standard output."
        files = ffgen.destinations(ffgen.plan(self.chat.spec), data, format=format).values()
        return f"The data goes to {', '.join(files)}, the spec to {spec_beside(data)}."

    def _made(self) -> bool:
        """The data and the spec beside it; false where the answer was not to replace what is there."""
        data, format = self._target()
        place = None if data == "-" else spec_beside(data)
        force = self.force
        if place is not None and not self.yes:
            other = self._settled(data, format, place)
            if other is None:
                return False
            data, force = other
            place = spec_beside(data)
        if place is not None:
            save(place, self.chat.text, force)
        make(self.session, self.chat.spec, data, self.chosen, False, format)
        self.chat.made(data if place is None else f"{data}, {place}")
        if place is not None:
            self.session.terminal.note(f"The spec is {place}: edit it and run `ffgen run {place} -o {data}` again.")
        return True

    def _settled(self, data: str, format: str | None, place: Path) -> tuple[str, bool] | None:
        """Where to, and whether what is there is replaced; None for not now. Asks only where something is there."""
        there = self._there(data, format, place)
        if not there:
            return data, self.force
        other = self._free(data, format)
        terminal = self.session.terminal
        terminal.always(f"{' and '.join(there)} {'is' if len(there) == 1 else 'are'} there already.")
        terminal.always(f"  1 write {other} instead [Enter]   2 replace   3 not now")
        while (line := self.lines.next()) is not None:
            said = line.strip().lower()
            if said in ("", "1", "instead", other):
                return other, self.force
            if said in ("2", "replace", "y", "yes"):
                return data, True
            if said in ("3", "n", "no", "not now", "quit", "/quit"):
                return None
            terminal.always("Say 1, 2 or 3.")
        raise UsageError(f"{there[0]} is there already, and the input ended.", hint=f"{self._kept()}")

    def _there(self, data: str, format: str | None, place: Path) -> list[str]:
        """The files that would be replaced by other ones."""
        named = ffgen.destinations(ffgen.plan(self.chat.spec), data, format=format).values()
        found = [path for path in named if Path(path).exists()]
        try:
            other = place.exists() and place.read_text(encoding="utf-8") != self.chat.text
        except (OSError, UnicodeDecodeError):
            other = True
        return [*found, *([str(place)] if other else [])]

    def _free(self, data: str, format: str | None) -> str:
        """The same name with the first number that is free."""
        path = Path(data)
        suffix = "".join(path.suffixes) if {*path.suffixes} & SUFFIXES else ""
        stem = path.name.removesuffix(suffix)
        names = (str(path.with_name(f"{stem}-{at}{suffix}")) + "/" * data.endswith("/") for at in range(2, 10_000))
        return next(name for name in names if not self._there(name, format, spec_beside(name)))


def fitting(rows: list[dict[str, Any]], width: int) -> tuple[list[str], list[str]]:
    """The first columns that fit side by side without folding, and the rest."""
    names = list(rows[0]) if rows else []
    wide = {name: max(columns(cell(one)) for one in [name, *(row[name] for row in rows)]) + 3 for name in names}
    shown = next(
        (names[:at] for at in range(len(names), 1, -1) if sum(wide[one] for one in names[:at]) < width), names[:2]
    )
    return shown, names[len(shown) :]


def listed(session: Session) -> str:
    """The conversations as a table, the last one first."""
    known = ffgen.chats()
    if not known:
        return "There are no conversations. `ffgen chat` begins one."
    rows = [(one.id, one.changed[:16].replace("T", " "), one.stage if one.is_readable else "of a newer ffgen",
             one.title if len(one.title) <= 60 else f"{one.title[:59]}…") for one in known]  # fmt: skip
    terminal = session.terminal
    return table(("id", "last line (UTC)", "stage", "began with"), rows, terminal.width, terminal.colored(sys.stdout))


def save_export(session: Session, text: str, output: str | None, force: bool) -> None:
    """A conversation to standard output, or to a file that is not there yet."""
    if output in (None, "-"):
        session.terminal.say(text.rstrip("\n"))
        return
    path = Path(str(output))
    if path.suffix.lower() not in (".yaml", ".yml"):
        raise UsageError(f"{output} is no name for a spec.", hint="Name a .yaml file.")
    if path.is_dir():
        raise DestinationError(f"{output} is a folder.", hint="Name a file in it.")
    save(path, text, force)
    session.terminal.note(f"{path} written.")
