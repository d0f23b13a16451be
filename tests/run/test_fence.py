"""No host but those that are named: Python's sockets in each of ffgen's processes, and whole runs where there is no
other host.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.run.drive import ROOT, Site, spec
from tests.standin import Standin

# Everything that reaches for a host, as a role of a run would: after `fence`, in a process of its own.
TRIES = """
import asyncio, json, socket, sys, urllib.request
import aiohttp, uvloop
from ffgen.errors import EndpointError
from ffgen.run.fence import fence

named, other = sys.argv[1:3]
port = int(other.rpartition(":")[2])
fence([named])

async def get(url):
    async with aiohttp.ClientSession(trust_env=False) as session, session.get(url + "/api/version") as answer:
        return answer.status

async def connect_by_name():
    await asyncio.open_connection("localhost.example.com", port)

def datagram():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"x", ("127.0.0.2", port))

def datagrams():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendmsg([b"x"], [], 0, ("127.0.0.2", port))

def connect_ex():
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.2", port))

opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
tries = {
    "named urllib": lambda: opener.open(named + "/api/version").status,
    "named aiohttp": lambda: asyncio.run(get(named)),
    "named aiohttp uvloop": lambda: uvloop.run(get(named)),
    "urllib": lambda: opener.open(other).status,
    "aiohttp": lambda: asyncio.run(get(other)),
    "aiohttp uvloop": lambda: uvloop.run(get(other)),
    "aiohttp by name": lambda: asyncio.run(get("http://localhost.example.com")),
    "create_connection": lambda: socket.create_connection(("127.0.0.2", port)),
    "connect_ex": connect_ex,
    "sendto": datagram,
    "sendmsg": datagrams,
    "getaddrinfo": lambda: socket.getaddrinfo("secret.example.com", 80),
    "gethostbyname": lambda: socket.gethostbyname("secret.example.com"),
    "gethostbyname_ex": lambda: socket.gethostbyname_ex("secret.example.com"),
    "gethostbyaddr": lambda: socket.gethostbyaddr("secret.example.com"),
    "open_connection": lambda: asyncio.run(connect_by_name()),
}
found = {}
for name, attempt in tries.items():
    try:
        found[name] = str(attempt())
    except BaseException as error:
        refused = error
        while refused is not None and not isinstance(refused, EndpointError):
            refused = refused.__cause__ or refused.__context__
        found[name] = "refused" if refused else f"{type(error).__name__}: {error}"
print(json.dumps(found))
"""


@pytest.fixture
def trap() -> Iterator[socket.socket]:
    """A server that nobody named; nobody may come."""
    with socket.create_server(("127.0.0.2", 0)) as listening:
        listening.settimeout(0.0)
        yield listening


def came(trap: socket.socket) -> bool:
    try:
        trap.accept()[0].close()
    except BlockingIOError:
        return False
    return True


def test_no_way_leads_to_a_host_that_nobody_named(server: Standin, trap: socket.socket) -> None:
    other = f"http://127.0.0.2:{trap.getsockname()[1]}"
    said = subprocess.run(
        [sys.executable, "-c", TRIES, server.url, other], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert said.returncode == 0, said.stderr
    found = json.loads(said.stdout)
    assert {name: what for name, what in found.items() if name.startswith("named")} == {
        "named urllib": "200",
        "named aiohttp": "200",
        "named aiohttp uvloop": "200",
    }
    others = {name: what for name, what in found.items() if not name.startswith("named")}
    assert set(others.values()) == {"refused"}, others
    assert not came(trap)


@pytest.mark.parametrize("role", ["worker", "gate", "writer"])
def test_a_role_that_reaches_out_is_stopped(
    site: Site, server: Standin, trap: socket.socket, role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A `sitecustomize` makes the role's class reach out when it is made, as a library gone bad would."""
    kind = f"{role.title()}Role"
    code = f"""
import socket, sys
if "--multiprocessing-fork" in sys.orig_argv:
    from ffgen.run.{role} import {kind}
    def reach(self, setup, made={kind}.__init__):
        socket.create_connection(("127.0.0.2", {trap.getsockname()[1]}), 5).close()
        made(self, setup)
    {kind}.__init__ = reach
"""
    (site.folder / "sitecustomize.py").write_text(code)
    source = spec(server.url, 16)
    path = os.pathsep.join([str(site.folder), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    monkeypatch.setenv("PYTHONPATH", path)
    done = site.run(source, workers=1, isolate=True)
    assert done.code == 5 and "127.0.0.2" in done.error, done
    assert not came(trap)
    if role == "worker":
        assert site.run(source, workers=1, isolate=False).code == 0
        assert came(trap), "without the fence it would have got there"


# A namespace has a loopback of its own, which is down; then a stand-in and a run, all in there.
ALONE = """
import fcntl, json, socket, struct, sys
with socket.socket() as sock:
    fcntl.ioctl(sock, 0x8914, struct.pack("16sh", b"lo", 0x1 | 0x40))
    print([name for _, name in socket.if_nameindex()])
from tests.run.drive import Site, spec
from tests.standin import start
from pathlib import Path
site = Site(Path(sys.argv[1]))
with start(duplicates=0.2) as server:
    for name, workers in (("o.jsonl", 1), ("o.csv", 0), ("o.parquet", 0)):
        done = site.run(spec(server.url, 40), name, workers=workers, isolate=True)
        print(done.code, done.error)
"""


def test_a_run_needs_nobody_else(site: Site) -> None:
    """In an empty network namespace, where native code would be noticed too."""
    unshare = shutil.which("unshare")
    if unshare is None or subprocess.run([unshare, "-rn", "true"], capture_output=True).returncode:
        pytest.skip("this machine allows no network namespace")
    said = subprocess.run(
        [unshare, "-rn", sys.executable, "-c", ALONE, str(site.folder)], cwd=ROOT, capture_output=True, text=True
    )
    assert said.returncode == 0, said.stderr
    assert said.stdout.splitlines() == ["['lo']", "0 ", "0 ", "0 "], said.stdout + said.stderr
    assert Path(site.folder, "o.jsonl").read_bytes().count(b"\n") == 40
