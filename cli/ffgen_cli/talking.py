"""How a conversation looks on a terminal and on a pipe: lines in, replies out, each within the terminal's width.

All that is said goes to standard error: standard output is for data. Nothing is asked twice: on a pipe there is no
prompt, and each line is shown once, so that both look the same when they are read later.
"""

from __future__ import annotations  # naming a type of the library must not load the library

import contextlib
import sys
from typing import Any

import click

import ffgen
from ffgen_cli.terminal import Terminal, clean, columns

PROMPT = "> "
LONGEST = 1 << 16
"""Characters that are read of one line; what is beyond is dropped."""
COLORS = {"+": "green", "-": "red", "~": "yellow"}


class Lines:
    """The lines of standard input, one at a time. On a terminal they can be edited, and the earlier ones recalled."""

    def __init__(self, terminal: Terminal) -> None:
        self.is_terminal = sys.stdin is not None and sys.stdin.isatty()
        self._terminal = terminal
        self._edits = self.is_terminal and sys.stdout.isatty() and terminal.environ.get("TERM") != "dumb"
        if hasattr(sys.stdin, "reconfigure"):
            sys.stdin.reconfigure(errors="replace")
        if self._edits:
            with contextlib.suppress(ImportError):
                import readline

                readline.parse_and_bind("set enable-bracketed-paste off")
                self._history: Any = readline

    def remember(self, said: list[str]) -> None:
        """Lines of before, for the arrow keys."""
        for line in said if self._edits and hasattr(self, "_history") else ():
            self._history.add_history(line)

    def next(self) -> str | None:
        """The next line without its end; None when there is none. KeyboardInterrupt as it comes."""
        if self._edits:
            try:
                return input(PROMPT)
            except EOFError:
                click.echo(err=True)
                return None
        if self.is_terminal:
            click.echo(PROMPT, nl=False, err=True)
        line = sys.stdin.readline(LONGEST)
        if not line:
            return None
        while not line.endswith("\n") and (rest := sys.stdin.readline(LONGEST)):
            line = line if not rest.endswith("\n") else line + "\n"
        line = line.rstrip("\r\n")
        if not self.is_terminal:
            self._terminal.always(clean(f"{PROMPT}{line}".rstrip()))
        return line


def show(reply: ffgen.Reply, terminal: Terminal, preview: str = "", spec: str = "") -> None:
    """What is said; `preview` and `spec` are shown in their places."""
    for part in reply.parts:
        if part.kind in ("diff", "why"):
            for line in change_lines(part.changes, terminal.width, plain=part.kind == "why"):
                terminal.always(line)
        elif part.kind == "preview":
            # its cells are clean already, and its colours are ours
            terminal.always(preview.strip("\n"))
        elif part.kind == "spec":
            terminal.always(clean(spec.strip("\n")))
        else:
            terminal.always("\n".join(wrapped(part.text, terminal.width)))


def ask(asking: ffgen.Asking, terminal: Terminal) -> None:
    """The question, with its choices and what Enter takes."""
    if not asking.choices or {*asking.choices} == {"yes", "no"}:
        hint = f" ({asking.hint})" if asking.hint else ""
        terminal.always("\n".join(wrapped(f"{asking.text}{hint} [{asking.default}]", terminal.width)))
        return
    terminal.always("\n".join(wrapped(asking.text, terminal.width)))
    shown = [f"{at} {one}{' [Enter]' if one == asking.default else ''}" for at, one in enumerate(asking.choices, 1)]
    line = "   ".join(shown)
    for one in [line] if len(line) + 2 <= terminal.width else shown:
        terminal.always(clean(f"  {one}"))
    if asking.hint:
        terminal.always("\n".join(wrapped(f"  {asking.hint}", terminal.width)))


def change_lines(changes: Any, width: int, plain: bool = False) -> list[str]:
    """Changes under the names of their tables, a line each."""
    lines: list[str] = []
    current = ""
    longest = max((columns(one.path.partition(".")[2]) for one in changes), default=0)
    across = min(longest, 24)
    for one in changes:
        table, _, field = one.path.partition(".")
        if not field:
            lines.append(styled(one.sign, f"{one.sign} {table}  {one.text}".rstrip(), width))
            current = table
            continue
        if table != current:
            lines.append(cut(f"  {table}" if not plain else table, width))
            current = table
        sign = " " if plain else one.sign
        lines.append(styled(sign, f"  {sign} {field:<{across}}  {one.text}".rstrip(), width))
    return lines


def styled(sign: str, line: str, width: int) -> str:
    """One line of a change in its colour."""
    short = cut(line, width)
    return click.style(short, fg=COLORS[sign]) if sign in COLORS else short


def cut(line: str, width: int) -> str:
    """A line that fits."""
    line = clean(line)
    if columns(line) <= width:
        return line
    while line and columns(line) > width - 1:
        line = line[:-1]
    return f"{line}…"


def wrapped(text: str, width: int) -> list[str]:
    """Text in lines of the width, its own line breaks kept; words are never cut."""
    lines: list[str] = []
    for paragraph in clean(text).splitlines() or [""]:
        words = paragraph.lstrip(" ")
        at, indent = "", " " * (len(paragraph) - len(words))
        room = max(width - len(indent), 20)
        for word in words.split(" "):
            if at and columns(at) + 1 + columns(word) > room:
                lines.append(f"{indent}{at}")
                at = word
            else:
                at = f"{at} {word}" if at else word
        lines.append(f"{indent}{at}".rstrip())
    return lines
