"""`ffgen refresh`: fixtures made again where something changed, and left alone where nothing did."""

import json
import logging
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from ffgen.errors import Interrupted, UsageError
from ffgen_cli import kind
from ffgen_cli.fixtures import Fixture, Glance, anchored, find, has_output
from ffgen_cli.log import begin_log
from ffgen_cli.option import LOGS, LOOKS, Command, KindType, flag, settings
from ffgen_cli.session import Session
from ffgen_cli.settings import LOG, RECORDS, RUN, SHOW, Layer, Settings
from ffgen_cli.terminal import Terminal

EPILOG = """
Examples:
  ffgen refresh specs/                          all specs in a folder that have an output
  ffgen refresh specs/ --check                  for CI: exit 1 and the list when one is stale; makes nothing
  ffgen refresh shop.yaml --wait 5m             wait while another run holds the destination
  ffgen refresh specs/ --jobs 2 --log-format json

A relative output counts from the folder of the nearest ffgen.toml above its spec, else from the spec's own folder,
wherever the command is called from; -C names another one.

Exit codes: that of the worst spec, from good to bad: 0 fresh or made, 6 locked, 1 stale (--check), 3 N not reached,
5 endpoint, 2 wrong spec, 4 destination, 70 bug.
"""
BY_SEVERITY = (0, 6, 1, 3, 5, 2, 4, 70)

log = logging.getLogger("ffgen.refresh")


@click.command("refresh", cls=Command, epilog=EPILOG)
@click.argument("places", nargs=-1, metavar="DIR|SPEC...")
@flag("--check", "look_only", is_flag=True, group=RUN, help="Make nothing; list what is stale, and end with 1 if "
      "anything is.")  # fmt: skip
@flag("--force", is_flag=True, group=RUN, help="Make everything again, fresh or not.")
@flag("--jobs", type=KindType(kind.integer(1, 256)), metavar="N", group=RUN, help="Specs made side by side; they share "
      "the machine's cores. As many as there are cores unless said.")  # fmt: skip
@flag("--wait", type=KindType(kind.DURATION), metavar="DURATION", group=RUN, help="Wait so long while another run "
      "holds a destination; exit 6 at once unless said.")  # fmt: skip
@flag("-C", "--folder", metavar="DIR", group=RECORDS, help="Count relative outputs from here.")
@settings("local", "allow_plugins", "seed", "endpoint", "model", "concurrency")
@settings("workers", "timeout", "max_asks", "fresh", "dedup_memory", "cache_dir")
@flag("--json", "json_", is_flag=True, group=SHOW, help="One JSON document on standard output: specs, exit_code.")
@settings("quiet", *LOOKS)
@flag("-v", "--verbose", count=True, group=LOG, help="Log what happens; -vv logs what is fresh, too.")
@settings(*LOGS, "audit", "audit_prompts")
@click.pass_obj
def refresh(
    session: Session,
    /,
    places: tuple[str, ...],
    look_only: bool,
    force: bool,
    jobs: int | None,
    wait: float | None,
    folder: str | None,
    json_: bool,
    verbose: int,
    **flags: Any,
) -> int:
    """Make the outputs of specs again where a spec, its seed, the version of ffgen or a file changed since.

    A SPEC must have an `output`; of a DIR, all specs below it that have one are meant. Says nothing when nothing is to
    do. One that fails does not stop the others.
    """
    if not places:
        raise UsageError("Which specs?", hint="ffgen refresh specs/, a folder of specs that have an `output`.")
    given = anchored(flags)
    chosen = session.begin(given, as_json=json_)
    verbose = max(verbose, 1) if wants_events(chosen) else verbose
    begin_log(chosen, verbose, os.environ)
    fixtures, stale = look(places, folder, Glance(given), force=force, keep_notes=not look_only)
    screen = Screen(
        session.terminal, as_text=not json_ and not events_on_screen(chosen), fails=not events_on_screen(chosen)
    )
    for fixture in fixtures:
        if fixture.error is not None:
            screen.done(fixture)
        elif fixture not in stale:
            log.debug("fresh", extra={"spec": fixture.shown})
    request = {"force": force, "look_only": look_only, "wait": wait or 0.0, "flags": given, "verbose": verbose}
    signal = make(stale, request, jobs, screen) if stale else 0
    return end(session.terminal, fixtures, signal, json_)


def look(
    places: Sequence[str], folder: str | None, glance: Glance, *, force: bool, keep_notes: bool
) -> tuple[list[Fixture], list[Fixture]]:
    """All fixtures, and those that must be looked at more closely."""
    fixtures, stale = [], []
    for fixture in find(places, folder):
        fresh = glance.is_fresh(fixture, keep_notes=keep_notes)
        if fresh and not force:
            fixtures.append(fixture)
        elif not fixture.listed or has_output(fixture.spec):
            fixtures.append(fixture)
            if fixture.error is None:
                stale.append(fixture)
    return fixtures, stale


class Screen:
    """Where what comes of each fixture is told: the log always, the terminal unless the log is there already."""

    def __init__(self, terminal: Terminal, *, as_text: bool, fails: bool) -> None:
        self._terminal = terminal
        self._as_text = as_text
        self._fails = fails
        self._owners: dict[str, Fixture] = {}

    def begins(self, fixture: Fixture) -> None:
        """A person who waits is told what for."""
        log.debug("looking", extra={"spec": fixture.shown})
        if self._as_text and sys.stderr.isatty():
            self._terminal.note(f"{fixture.shown}: looking, and making what is stale")

    def done(self, fixture: Fixture) -> None:
        """One is done."""
        self._refuse_shared(fixture)
        about: dict[str, Any] = {"spec": fixture.shown, "reasons": fixture.reasons, "outputs": fixture.outputs}
        if fixture.error is not None:
            wrong = {"exit_code": fixture.code, "what": fixture.error.what, "hint": fixture.error.hint}
            log.error("failed", extra={"spec": fixture.shown} | wrong)
            if self._fails:
                self._terminal.fail(fixture.error)
        elif fixture.outcome == "stale":
            log.info("stale", extra=about)
            if self._as_text:
                self._terminal.say("\n".join(f"{fixture.shown}: {why}" for why in fixture.reasons))
        elif fixture.outcome == "made":
            log.info("made", extra=about | {"records": fixture.records, "seconds": round(fixture.seconds or 0, 3)})
            if self._as_text:
                self._terminal.note(made_line(fixture))
        else:
            log.debug("fresh", extra={"spec": fixture.shown})

    def _refuse_shared(self, fixture: Fixture) -> None:
        """Two specs with one destination would make it again for ever, in turn."""
        for output in fixture.outputs:
            owner = self._owners.setdefault(output, fixture)
            if owner is not fixture and fixture.error is None:
                what = f"{owner.shown} and {fixture.shown} have the same output: {output}."
                fixture.fail(UsageError(what, hint="Give one of them another `output.path`."))


def make(stale: list[Fixture], request: dict[str, Any], jobs: int | None, screen: Screen) -> int:
    """Looks closer at what may be stale, in processes, and makes what is. The signal that stopped it, or 0."""
    from ffgen_cli.children import Children, cores  # twenty fresh specs need no process

    count = cores()
    with Children(min(jobs or count, len(stale)), count) as children:
        for fixture in children.make(stale, request, screen.begins):
            screen.done(fixture)
        return children.caught


def end(terminal: Terminal, fixtures: list[Fixture], signal: int, json_: bool) -> int:
    """The exit code of the worst, told."""
    worst = max((fixture.code for fixture in fixtures), key=severity, default=0)
    told = {name: sum(one.outcome == name for one in fixtures) for name in ("fresh", "made", "stale", "failed")}
    idle = told["fresh"] == len(fixtures)
    log.log(logging.DEBUG if idle else logging.INFO, "refresh finished", extra=told | {"exit_code": worst})
    if json_:
        document = {"schema_version": 1, "exit_code": worst, "specs": [fixture.told() for fixture in fixtures]}
        terminal.say(json.dumps(document, indent=2))
    if signal:
        raise Interrupted(signal, hint="The same command goes on from there.")
    return worst


def severity(code: int) -> int:
    """How bad an exit code is; one that is not known is worst."""
    return BY_SEVERITY.index(code) if code in BY_SEVERITY else len(BY_SEVERITY)


def wants_events(chosen: Settings) -> bool:
    """Whether programs read the log and nobody said how much of it."""
    return bool(chosen["log_format"] == "json") and chosen.where("log_level").layer == Layer.DEFAULT


def events_on_screen(chosen: Settings) -> bool:
    """Whether standard error is for programs: lines for people would spoil it."""
    return bool(chosen["log_format"] == "json" and not chosen["log_file"])


def made_line(fixture: Fixture) -> str:
    """`specs/a.yaml: 1,000 records in 0.4 s, to out/a.jsonl (the seed changed from 0 to 1)`."""
    where = ", ".join(map(nearby, fixture.outputs))
    said = f"{fixture.shown}: {fixture.records:,} records in {fixture.seconds:.1f} s, to {where}"
    return f"{said} ({'; '.join(fixture.reasons)})"


def nearby(path: str) -> str:
    """A path as it looks from here; whole when it lies elsewhere."""
    here = os.path.relpath(path)
    return path if here.startswith(os.pardir) else here
