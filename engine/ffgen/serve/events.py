"""What a job's process says of itself, in `events.jsonl`, and how that is sent on: server-sent events, whose ids are
places in the file, so that a client that comes back goes on from there."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec

from ffgen.serve.jobs import UNDER_WAY
from ffgen.serve.wire import JobProgress, JobView

TAIL = 1 << 14
"""Bytes at the end of the file in which the last event is: a line has 300."""
LOOK_SECONDS = 0.3
HEARTBEAT_SECONDS = 15.0
MOST_READ = 1 << 20


def mark_attempt(path: str, number: int) -> None:
    """Notes that a process begins: what failed before is not its failure."""
    with open(path, "ab") as file:
        file.write(msgspec.json.encode({"message_type": "attempt", "number": number}) + b"\n")


def tail(path: str) -> list[dict[str, Any]]:
    """The last events; none where there is no file."""
    try:
        with open(path, "rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL))
            return [event for line in file.read().splitlines() if (event := _event(line)) is not None]
    except OSError:
        return []


def progress(path: str) -> JobProgress | None:
    """Where a job stands, by its last word."""
    for event in reversed(tail(path)):
        if event.get("message_type") == "progress":
            return _progress(event)
        if event.get("message_type") == "attempt":
            return None
    return None


def last_error(path: str) -> dict[str, Any] | None:
    """What the last process said when it failed; None where it did not get to."""
    event: dict[str, Any]
    for event in reversed(tail(path)):
        if event.get("message_type") == "exit_error" and isinstance(event.get("exit_code"), int):
            return event
        if event.get("message_type") == "attempt":
            return None
    return None


async def follow(
    path: str, at: int, view: Callable[[], Awaitable[JobView | None]], closing: asyncio.Event
) -> AsyncIterator[bytes]:
    """Events of a job from a place in its file on: `progress`, `state` when it changes, and at last `end`. A comment
    every 15 s keeps the connection. Ends with the job, or with the service."""
    state, quiet = "", 0.0
    while True:
        job = await view()
        sent = b""
        at, events = await asyncio.to_thread(_read, path, at)
        for place, event in events:
            sent += message("progress", place, msgspec.json.encode(_progress(event)))
        if job is not None and job.state != state:
            state = job.state
            kind = "state" if state in UNDER_WAY else "end"
            sent += message(kind, at, msgspec.json.encode(job))
        quiet = 0.0 if sent else quiet + LOOK_SECONDS
        if sent:
            yield sent
        elif quiet >= HEARTBEAT_SECONDS:
            quiet = 0.0
            yield b": still here\n\n"
        if job is None or state not in UNDER_WAY or closing.is_set():
            return
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                await closing.wait()
        except TimeoutError:
            continue


def message(kind: str, place: int, data: bytes) -> bytes:
    """One event. JSON has no newlines of its own."""
    return b"event: %s\nid: %d\ndata: %s\n\n" % (kind.encode(), place, data)


def _read(path: str, at: int) -> tuple[int, list[tuple[int, dict[str, Any]]]]:
    """Where the file has been read to, whole lines only, and the progress in them with the place after each."""
    try:
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            at = at if 0 <= at <= size else 0
            file.seek(at)
            data = file.read(MOST_READ)
    except OSError:
        return at, []
    found = []
    for line in data[: data.rfind(b"\n") + 1].splitlines(keepends=True):
        at += len(line)
        event = _event(line)
        if event is not None and event.get("message_type") == "progress":
            found.append((at, event))
    return at, found


def _event(line: bytes) -> dict[str, Any] | None:
    try:
        event: dict[str, Any] = msgspec.json.decode(line, type=dict[str, Any])
    except msgspec.DecodeError:
        return None
    return event


def _progress(event: dict[str, Any]) -> JobProgress:
    return JobProgress(
        phase=str(event.get("phase", "")),
        records=int(event.get("records", 0)),
        wanted=int(event.get("wanted", 0)),
        seconds=round(float(event.get("seconds", 0.0)), 3),
    )
