"""`ffgen help`: a command explained, or the exit codes."""

import click

from ffgen.errors import UsageError
from ffgen_cli.option import Command
from ffgen_cli.session import Session

EXIT_CODES = """\
Exit codes are stable. Any other code that is not 0 is a failure too.

    0   done: all N records are there, unique and valid
    1   a check said no: `ffgen check` or `ffgen validate` found something wrong
    2   the command line, the settings or the spec is wrong; nothing was asked or written
    3   N could not be reached, or the time limit passed; the same command goes on from there
    4   a file can't be written or read: disk full, no permission, no such folder
    5   the model can't be asked: nothing answers, the model is missing, the server refuses
    6   another run holds the destination
   70   a bug of ffgen; a crash file says more
  130   stopped by Ctrl-C (SIGINT); what was paid for is kept
  141   the reader of standard output went away, as with `| head`
  143   stopped by SIGTERM; what was paid for is kept"""


@click.command("help", cls=Command)
@click.argument("topic", required=False)
@click.pass_context
def help(context: click.Context, topic: str | None) -> None:
    """Explain TOPIC: a command, or `exit-codes`."""
    session: Session = context.obj
    root = context.parent
    assert root is not None and isinstance(root.command, click.Group)
    if topic is None:
        session.terminal.say(root.get_help())
    elif topic == "exit-codes":
        session.terminal.say(EXIT_CODES)
    elif (command := root.command.get_command(root, topic)) is not None:
        with click.Context(command, parent=root, info_name=topic) as inner:
            session.terminal.say(command.get_help(inner))
    else:
        raise UsageError(f"There is no topic {topic}.", hint="`ffgen help` lists the commands; exit-codes is one more.")
