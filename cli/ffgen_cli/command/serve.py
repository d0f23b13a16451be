"""`ffgen serve`: the service."""

from __future__ import annotations  # naming a type of the library must not load the library

import os
import sys
from pathlib import Path
from typing import Any

import click
import platformdirs

from ffgen.errors import UsageError
from ffgen.posix import cores
from ffgen_cli.option import LOGS, LOOKS, Command, flag, settings
from ffgen_cli.session import Session, api_key, loose_key
from ffgen_cli.settings import LOG, Settings

EPILOG = """
Examples:
  ffgen serve                                       http://127.0.0.1:8765, for this machine alone
  ffgen serve --port 8080 --cors https://app.example.com
  FFGEN_SERVE_TOKEN=... ffgen serve --host 0.0.0.0 --allow-host data.example.com
  ffgen serve --endpoint http://localhost:11434 --model llama3.1:8b    requests may say model: default

  curl --json '{"description": "customers of a bike shop, with emails"}' -OJ http://127.0.0.1:8765/generate

SIGTERM stops it: answers under way have --grace to end, jobs go on by themselves and are found again.
"""
EXTRA = ("fastapi", "starlette", "pydantic", "uvicorn", "h11")
"""What the extra brings."""
RATE_BEYOND = 600
"""Requests a minute, where strangers can ask."""


@click.command("serve", cls=Command, epilog=EPILOG)
@settings("serve_host", "serve_port", "serve_data", "serve_token_file", "serve_no_auth", "serve_cors", "serve_hosts")
@settings("serve_models", "serve_plugins", "serve_makers", "serve_streams", "serve_jobs", "serve_rate")
@settings("serve_grace", "serve_keep", "endpoint", "model", "quiet", *LOOKS)
@flag("-v", "--verbose", count=True, group=LOG, help="Log every request.")
@settings(*LOGS)
@click.pass_obj
def serve(session: Session, /, verbose: int, **flags: Any) -> None:
    """Serve descriptions and specs over HTTP: data at once, or jobs of any size.

    Listens on this machine alone unless told otherwise. GET / lists the routes, docs/serve.md explains them.
    """
    chosen = session.begin(flags, verbose=verbose, log=True)
    try:
        from ffgen.serve import guard, main, models
        from ffgen.serve import settings as service
    except ModuleNotFoundError as error:
        if error.name not in EXTRA:
            raise
        raise UsageError("ffgen serve needs FastAPI and uvicorn.", hint="pip install 'ffgen[serve]'") from None

    named = models.models_of(chosen["serve_models"]) if chosen["serve_models"] else {}
    if loose := loose_key(chosen):
        session.terminal.note(loose)
    if (default := default_model(chosen)) is not None:
        named.setdefault("default", default)
    main.serve(
        service.Settings(
            data=data_folder(chosen),
            run=[sys.executable, "-m", "ffgen_cli", "run"],
            host=chosen["serve_host"],
            port=chosen["serve_port"],
            tokens=tokens(chosen),
            no_auth=chosen["serve_no_auth"],
            cors=chosen["serve_cors"] or [],
            hosts=chosen["serve_hosts"] or [],
            models=named,
            generators=chosen["serve_plugins"] or [],
            makers=chosen["serve_makers"] or cores(),
            streams=chosen["serve_streams"],
            jobs=chosen["serve_jobs"],
            rate=rate(chosen, guard.is_loopback(chosen["serve_host"])),
            grace=chosen["serve_grace"],
            keep=chosen["serve_keep"],
        ),
        lambda address: session.terminal.note(f"ffgen serves on {address} until it is stopped (Ctrl-C)."),
    )


def data_folder(chosen: Settings) -> str:
    """Where jobs are kept."""
    state = os.environ.get("FFGEN_STATE_DIR") or platformdirs.user_state_dir("ffgen")
    return os.path.abspath(os.path.expanduser(chosen["serve_data"] or os.path.join(state, "serve")))


def rate(chosen: Settings, is_loopback: bool) -> int:
    """Requests a minute."""
    said: int | None = chosen["serve_rate"]
    return said if said is not None else 0 if is_loopback else RATE_BEYOND


def tokens(chosen: Settings) -> list[str]:
    """The tokens, of the environment and of the file."""
    found = [chosen["serve_token"]] if chosen["serve_token"] else []
    if (path := chosen["serve_token_file"]) is None:
        return found
    try:
        lines = Path(path).expanduser().read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The token file {path} can't be read.", hint="Check the path and who may read it.") from error
    listed = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    if not listed:
        raise UsageError(f"The token file {path} is empty.", hint="Put tokens into it, one a line.")
    return [*found, *listed]


def default_model(chosen: Settings) -> dict[str, Any] | None:
    """The model of --endpoint and --model, which requests may call `default`."""
    if chosen["endpoint"] is None:
        return None
    made: dict[str, Any] = {"endpoint": chosen["endpoint"]}
    if chosen["model"]:
        made["name"] = chosen["model"]
    if key := api_key(chosen):
        os.environ["FFGEN_API_KEY"] = key  # wherever it came from: makers and jobs read it there
        made["key"] = {"env": "FFGEN_API_KEY"}
    return made
