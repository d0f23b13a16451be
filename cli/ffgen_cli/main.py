"""The entry point: finds the command, runs it, and turns whatever it raises into a message and an exit code.

Nothing here imports a command module, or a library that one of them needs, before that command is called for.
"""

import difflib
import errno
import importlib
import os
import sys
from typing import Any

import click

import ffgen
from ffgen.errors import DestinationError, FfgenError, InternalError, Interrupted, ReaderGone, UsageError
from ffgen_cli.crash import abandon_output, write_crash
from ffgen_cli.log import blank, end_log, secrets_of
from ffgen_cli.session import Session, terminal_for
from ffgen_cli.streams import claim

COMMANDS = {
    "init": ("ffgen_cli.command.init:init", "Start a new spec, from a template or from a few questions."),
    "describe": ("ffgen_cli.command.describe:describe", "Make data, and a spec, from a description in plain words."),
    "chat": ("ffgen_cli.command.chat:chat", "Find out in conversation what data is wanted, then make it."),
    "check": ("ffgen_cli.command.check:check", "Look at a spec and list all that is wrong with it."),
    "plan": ("ffgen_cli.command.plan:plan", "Show what a run would do: fields, capacity, requests, time."),
    "preview": ("ffgen_cli.command.preview:preview", "Make ten records and show them as a table."),
    "run": ("ffgen_cli.command.run:run", "Make exactly N unique, valid records."),
    "generate": ("ffgen_cli.command.run:run", "The same as run."),
    "refresh": ("ffgen_cli.command.refresh:refresh", "Make the outputs of specs again where something changed."),
    "status": ("ffgen_cli.command.status:status", "List the runs on this machine, and what can go on."),
    "verify": ("ffgen_cli.command.verify:verify", "Hold an output against the run that made it, byte by byte."),
    "explain": ("ffgen_cli.command.explain:explain", "Tell who made each value of a row, and why rows were refused."),
    "serve": ("ffgen_cli.command.serve:serve", "Offer all of this over HTTP: descriptions in, data out."),
    "cache": ("ffgen_cli.command.cache:cache", "Show how many replies and drafts are kept, or forget them."),
    "validate": ("ffgen_cli.command.validate:validate", "Hold existing data against a spec."),
    "types": ("ffgen_cli.command.types:types", "List the types of values and the generators, or explain one."),
    "schema": ("ffgen_cli.command.schema:schema", "Print the JSON Schema of specs, for editors."),
    "config": ("ffgen_cli.command.config:config", "Show every setting and where it came from."),
    "version": ("ffgen_cli.command.version:version", "Print the version; with --json, of the libraries too."),
    "help": ("ffgen_cli.command.help:help", "Explain a command, or `ffgen help exit-codes`."),
}
SHORT = """\
ffgen makes exactly N unique, valid records from a YAML spec: drawn here, or written by a local language model.

  ffgen init --from-template customers     start a spec
  ffgen plan customers.yaml                see what it would do
  ffgen run customers.yaml -n 25           make 25 records

`ffgen --help` lists the commands, `ffgen help COMMAND` explains one."""


class LazyGroup(click.Group):
    """Commands by name from `COMMANDS`, each imported when it is called or asked for its own help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which a user meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """From the table alone."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, says) for name, (_, says) in COMMANDS.items()])

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Suggests the nearest command for one that is not there."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            near = difflib.get_close_matches(name, COMMANDS, n=1)
            also = f" Did you mean {near[0]}?" if near else ""
            raise click.UsageError(f"There is no command {name}.{also}", ctx)
        return super().resolve_command(ctx, args)


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 1 a check said no, 2 usage or spec, 3 N not reached, 4 destination, 5 endpoint, "
    "6 locked, 70 bug, 130/143 stopped. More: ffgen help exit-codes.",
)
@click.version_option(ffgen.__version__, prog_name="ffgen", message="%(prog)s %(version)s")
def cli() -> None:
    """Exactly N unique, valid, synthetic records from a YAML spec, drawn or written by a local language model."""


def main() -> None:
    """What the `ffgen` script calls."""
    claim()
    sys.exit(enter(sys.argv[1:]))


def enter(arguments: list[str]) -> int:
    """One call of the command line, and its exit code. Raises nothing."""
    session = Session(terminal_for(arguments, os.environ))
    try:
        return _run(arguments, session)
    except BaseException as error:
        try:
            return _report(error, arguments, session)
        except OSError:  # standard error is gone too: the exit code is all that is left
            abandon_output()
            return translated(error, arguments).exit_code
    finally:
        end_log()


def _run(arguments: list[str], session: Session) -> int:
    if not arguments:
        click.echo(SHORT, err=True)
        return 2
    code = cli.main(arguments, prog_name="ffgen", standalone_mode=False, obj=session)
    try:
        sys.stdout.flush()
    except BrokenPipeError as error:
        raise ReaderGone("The reader of standard output went away.") from error
    except OSError as error:
        raise DestinationError(f"Standard output can't be written: {error.strerror}.") from error
    return code if isinstance(code, int) else 0


def _report(error: BaseException, arguments: list[str], session: Session) -> int:
    known = translated(error, arguments)
    if isinstance(known, ReaderGone | DestinationError):
        abandon_output()
    if not isinstance(known, ReaderGone):
        session.terminal.fail(known)
    return known.exit_code


def translated(error: BaseException, arguments: list[str]) -> FfgenError:
    """Any exception as one of ours."""
    if isinstance(error, FfgenError):
        return error
    if isinstance(error, click.UsageError):
        return _usage(error)
    if isinstance(error, click.ClickException):
        return UsageError(error.format_message())
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return Interrupted(2, "Stopped.")
    # click turns a broken pipe into SystemExit, which nothing else here raises
    if isinstance(error, BrokenPipeError | SystemExit):
        return ReaderGone("The reader of standard output went away.")
    if (outside := _surroundings(error)) is not None:
        return outside
    path = write_crash(error, arguments)
    kept = f"What happened is in {path}; please report it with that file." if path else "Please report it."
    said = blank(str(error), secrets_of(os.environ))[:200]
    return InternalError(f"ffgen has a bug: {type(error).__name__}: {said}", hint=kept)


def _surroundings(error: BaseException) -> FfgenError | None:
    """What is no bug of anybody's: a process that may open too few files, or whose folder was removed."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in (errno.EMFILE, errno.ENFILE):
            return DestinationError("Too many files are open.", hint="Raise the limit: `ulimit -n 4096`.")
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, FileNotFoundError) and error.filename is None:  # os.getcwd
        return DestinationError("The folder that this was called in is gone.", hint="Go to one that is there.")
    return None


def _usage(error: click.UsageError) -> UsageError:
    command = error.ctx.command_path if error.ctx else "ffgen"
    return UsageError(error.format_message(), hint=f"`{command} --help` shows what there is.")
