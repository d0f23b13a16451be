"""What an output was made from: the spec of each run, kept beside the ledger under its hash, so that a row can be made
again when the spec's file is another one by then, or was never a file."""

import json
import logging
import os
from typing import Any

import msgspec
from msgspec import Struct

from ffgen.errors import DestinationError, FfgenError, UsageError
from ffgen.place import destination_error
from ffgen.plan.compile import ASKS_FACTOR, Plan, compile_plan
from ffgen.run.ledger import MANIFEST, PLANS, made_at, name_of, path_of, read_whole, state_folder, write_whole
from ffgen.run.options import STDOUT, Options, cache_folder
from ffgen.sample.plugins import is_path, load_files
from ffgen.spec.model import Spec

log = logging.getLogger("ffgen.run")


class Known(Struct, frozen=True):
    """What is known of the run that made a file. `by` is empty for nothing."""

    by: str = ""
    spec_hash: str = ""
    seed: int = 0
    table: str = ""
    records: int = 0
    version: str = ""
    at: str = ""
    format: str | None = None


def keep_origin(plan: Plan, options: Options) -> None:
    """Notes a plan's spec under its hash. That it can't be stops nothing: the log has it."""
    if options.to == STDOUT or not options.recorded:
        return
    try:
        told = {"spec": lean(plan.spec), "asks": plan.asks, "cache": name_of(cache_folder(options.cache_dir))}
        json.dumps(told)  # a text that is no Unicode can't be written, and must not leave half a file
        write_whole(_place(plan.spec_hash), told)
    except (FfgenError, TypeError, ValueError) as error:
        log.warning("spec not recorded", extra={"run": plan.spec_hash, "why": str(error)})


def lean(value: Any) -> Any:
    """A spec as plain values, without what is so unless said."""
    if isinstance(value, Struct):
        found = {}
        for field in msgspec.structs.fields(value):
            default = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
            here = getattr(value, field.name)
            # 0.0 is not False here: `nullable: 0` allows null, and `nullable: false` does not.
            if here != default or type(here) is not type(default):
                found[field.encode_name] = lean(here)
        return found
    if isinstance(value, list):
        return [lean(each) for each in value]
    if isinstance(value, dict):
        return {key: lean(each) for key, each in value.items()}
    return msgspec.to_builtins(value)


def known_of(path: str) -> Known:
    """What the user's own state says of a file, else the manifest beside it. DestinationError where there is no such
    file, UsageError for a folder of several tables."""
    if not os.path.lexists(path):
        raise DestinationError(f"{path} does not exist.", hint="Name the file that a run made.")
    if os.path.isdir(path) and os.path.isfile(os.path.join(path, MANIFEST)) or os.path.basename(path) == MANIFEST:
        folder = path if os.path.isdir(path) else os.path.dirname(path)
        files = [each.get("file", "") for each in _listed(os.path.join(folder, MANIFEST))]
        hint = f"Name one: {os.path.join(folder, files[0])}." if files else ""
        raise UsageError(f"{folder or '.'} has a file for each of {len(files)} tables.", hint=hint)
    try:
        with os.scandir(path) if os.path.isdir(path) else open(path, "rb"):
            pass
    except OSError as error:
        raise destination_error(error, path) from error
    made = made_at(path)
    if made is not None:
        about = (made.spec_hash, made.seed, made.table, made.records, made.version, made.at, made.format)
        return Known("record", *about)
    return _by_manifest(path)


def _by_manifest(path: str) -> Known:
    manifest = os.path.join(os.path.dirname(path), MANIFEST)
    told = read_whole(manifest)
    try:
        for each in _listed(manifest):
            if each["file"] == os.path.basename(path):
                about = (told["spec_hash"], int(told["seed"]), each["table"], int(each["records"]), told["version"])
                return Known("manifest", *about)
    except (KeyError, TypeError, ValueError):
        pass
    return Known()


def _listed(manifest: str) -> list[dict[str, Any]]:
    listed = read_whole(manifest).get("tables")
    return [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []


def plan_of(path: str, known: Known, allow_plugins: bool) -> Plan:
    """The plan by which a file was made, from what is kept of it. UsageError where that is not enough."""
    if not known.by:
        hint = "Name the spec that made it: --spec SPEC. Runs of this user are known, in FFGEN_STATE_DIR."
        raise UsageError(f"No run is known that made {path}.", hint=hint)
    told = read_whole(_place(known.spec_hash))
    about = f"{path} was made by ffgen {known.version} from spec {known.spec_hash[:12]} with seed {known.seed}"
    if "spec" not in told:
        raise UsageError(f"{about}, which is not kept here.", hint="Name it: --spec SPEC.")
    try:
        spec = msgspec.convert(told["spec"], Spec)
        allow(spec, allow_plugins)
        plan = compile_plan(spec, float(told.get("asks", ASKS_FACTOR)))
    except (msgspec.ValidationError, TypeError, ValueError) as error:
        raise UsageError(f"{about}, which can't be read any more: {error}.", hint="Name it: --spec SPEC.") from error
    if plan.spec_hash != known.spec_hash:
        why = "its plugins have changed" if any(map(is_path, spec.plugins)) else "this ffgen reads it in another way"
        raise UsageError(f"{about}, and {why}.", hint="Name the spec as it is now: --spec SPEC.")
    return plan


def allow(spec: Spec, allowed: bool) -> None:
    """Loads the plugins of a spec; UsageError where that is not allowed."""
    if spec.plugins:
        load_files(spec.plugins, allowed)


def cache_of(plan: Plan) -> str | None:
    """Where the replies of a run were kept, if that was noted."""
    noted = read_whole(_place(plan.spec_hash)).get("cache")
    return path_of(noted) if isinstance(noted, str) else None


def _place(spec_hash: str) -> str:
    return os.path.join(state_folder(), PLANS, f"{os.path.basename(spec_hash)}.json")
