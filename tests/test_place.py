"""place: the destination changes whole or not at all, whoever dies and whoever else writes."""

import errno
import os
import signal
import stat
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from ffgen.errors import DestinationError, FfgenError, LockedError, UsageError
from ffgen.place import Workspace, destination_error, human_size, split_compression


def fill(space: Workspace, text: str = "new") -> None:
    Path(space.work_path()).write_text(text)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def python(code: str, *arguments: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def test_published_file_is_whole_and_nothing_else_stays(tmp_path: Path) -> None:
    target = tmp_path / "out.jsonl"
    with Workspace.open(str(target)) as space:
        fill(space)
        assert not target.exists()
        space.publish()
        space.publish()
        assert target.read_text() == "new"
    space.discard()
    assert names(tmp_path) == ["out.jsonl"]


def test_destination_named_as_the_lock(tmp_path: Path) -> None:
    with Workspace.open(str(tmp_path / "lock")) as space:
        fill(space)
        with pytest.raises(LockedError, match=str(os.getpid())):
            Workspace.open(str(tmp_path / "lock"))
        space.publish()
    assert (tmp_path / "lock").read_text() == "new"
    assert names(tmp_path) == ["lock"]


def test_discard_without_publish_leaves_what_was(tmp_path: Path) -> None:
    target = tmp_path / "out.jsonl"
    target.write_text("old")
    with Workspace.open(str(target)) as space:
        fill(space)
    assert target.read_text() == "old"
    assert names(tmp_path) == ["out.jsonl"]
    with pytest.raises(FfgenError, match="discarded"):
        space.publish("another")


def test_mode_of_an_existing_file_is_kept_else_umask(tmp_path: Path) -> None:
    target, fresh = tmp_path / "old", tmp_path / "new"
    target.write_text("old")
    target.chmod(0o640)
    before = os.umask(0o027)
    try:
        for path in (target, fresh):
            with Workspace.open(str(path)) as space:
                fill(space)
                space.publish()
    finally:
        os.umask(before)
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert stat.S_IMODE(fresh.stat().st_mode) == 0o640  # 0666 less the umask


def test_symlink_is_followed_to_its_real_target(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "link.jsonl"
    link.symlink_to(tmp_path / "real" / "out.jsonl")
    with Workspace.open(str(link)) as space:
        fill(space)
        space.publish()
    assert link.is_symlink()
    assert (tmp_path / "real" / "out.jsonl").read_text() == "new"
    assert names(tmp_path / "real") == ["out.jsonl"]


def test_second_run_is_told_who_holds_it(tmp_path: Path) -> None:
    target = str(tmp_path / "out.jsonl")
    with Workspace.open(target), pytest.raises(LockedError) as caught:
        Workspace.open(target)
    assert str(os.getpid()) in caught.value.what
    assert target in caught.value.what
    Workspace.open(target).discard()


def test_second_process_is_locked_out_until_the_first_dies(tmp_path: Path) -> None:
    target = tmp_path / "out.jsonl"
    target.write_text("old")
    child = python(
        """
        import sys
        from ffgen.place import Workspace
        space = Workspace.open(sys.argv[1])
        open(space.work_path(), "w").write("half")
        print(space.folder, flush=True)
        sys.stdin.read()
        """,
        target,
    )
    with child:
        assert child.stdout and child.stdout.readline()
        with pytest.raises(LockedError, match=str(child.pid)):
            Workspace.open(str(target))
        child.kill()
    assert target.read_text() == "old"
    with Workspace.open(str(target)) as space:
        assert os.listdir(space.folder) == ["lock"]  # taken over and emptied
    assert names(tmp_path) == ["out.jsonl"]


@pytest.mark.parametrize("folder", [False, True])
@pytest.mark.parametrize("step", range(8))
def test_kill_around_publish_leaves_old_or_new(tmp_path: Path, step: int, folder: bool) -> None:
    target = tmp_path / "out"
    part = target / "part-00000.parquet" if folder else target
    if folder:
        target.mkdir()
    part.write_text("old")
    child = python(
        """
        import os, signal, sys
        from ffgen import posix
        from ffgen.place import Workspace
        left = int(sys.argv[2])

        def deadly(module, name):
            real = getattr(module, name)
            def call(*arguments):
                tick()
                real(*arguments)
                tick()
            setattr(module, name, call)

        def tick():
            global left
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)

        deadly(os, "fsync")
        deadly(os, "replace")
        deadly(posix, "exchange_directories")
        space = Workspace.open(sys.argv[1])
        work = space.work_path()
        if sys.argv[1].endswith("/"):
            os.mkdir(work)
            work += "/part-00000.parquet"
        with open(work, "w") as file:
            file.write("new")
        space.publish()
        space.discard()
        """,
        f"{target}/" if folder else target,
        step,
    )
    with child:
        child.communicate()
    steps = 8 if folder else 6
    renamed = 5 if folder else 3
    assert child.returncode == (-signal.SIGKILL if step < steps else 0)
    assert part.read_text() == ("new" if step >= renamed else "old")
    Workspace.open(f"{target}/" if folder else str(target)).discard()
    assert names(tmp_path) == ["out"]


def test_folder_of_parts_replaces_the_old_one_whole(tmp_path: Path) -> None:
    target = tmp_path / "parts"
    for run in ("first", "second"):
        with Workspace.open(f"{target}/") as space:
            os.mkdir(space.work_path())
            Path(space.work_path(), "part-00000.parquet").write_text(run)
            if run == "first":
                Path(space.work_path(), "part-00001.parquet").write_text(run)
            space.publish()
    assert names(target) == ["part-00000.parquet"]
    assert (target / "part-00000.parquet").read_text() == "second"
    assert names(tmp_path) == ["parts"]


def test_folder_with_other_files_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(DestinationError, match=r"thesis\.txt"):
        Workspace.open(f"{tmp_path}/")
    assert names(tmp_path) == ["thesis.txt"]


def test_no_clobber(tmp_path: Path) -> None:
    target = tmp_path / "out.jsonl"
    with Workspace.open(str(target), clobber=False) as space:
        fill(space)
        target.write_text("someone was faster")
        with pytest.raises(UsageError, match="exists already"):
            space.publish()
    with pytest.raises(UsageError, match="exists already"):
        Workspace.open(str(target), clobber=False)
    assert target.read_text() == "someone was faster"
    assert names(tmp_path) == ["out.jsonl"]


def test_places_that_can_not_be(tmp_path: Path) -> None:
    (tmp_path / "dir").mkdir()
    (tmp_path / "file").write_text("")
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "fifo")
    for name, what, hint in [
        ("file/out.jsonl", "not a folder", "another place"),
        ("dir", "is a folder", "dir/"),
        ("file/", "is a file", "Leave out"),
        ("fifo", "not a regular file", "-o -"),
        ("loop", "circle", "real file"),
        ("n" * 250, "too long", "shorter"),
    ]:
        with pytest.raises(DestinationError) as caught:
            Workspace.open(str(tmp_path) + "/" + name)
        assert what in caught.value.what, name
        assert hint in caught.value.hint, name
    with pytest.raises(DestinationError, match="not a regular file"):
        Workspace.open("/dev/null")


def test_folder_in_the_way_that_no_run_made(tmp_path: Path) -> None:
    other = tmp_path / ".out.ffgen"
    other.mkdir()
    (other / "mine").write_text("keep")
    with pytest.raises(DestinationError, match="in the way"):
        Workspace.open(str(tmp_path / "out"))
    assert (other / "mine").read_text() == "keep"


def test_parent_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str, mode: int) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", path)

    monkeypatch.setattr(os, "mkdir", refuse)
    with pytest.raises(DestinationError, match="No permission"):
        Workspace.open(str(tmp_path / "out"))


def test_read_only_file_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "out"
    target.write_text("old")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(DestinationError, match="No permission to replace"):
        Workspace.open(str(target))


def test_failed_sync_is_not_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tries = []

    def fail(descriptor: int) -> None:
        tries.append(descriptor)
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    target = tmp_path / "out"
    with Workspace.open(str(target)) as space:
        fill(space)
        with pytest.raises(DestinationError, match="Input/output error"):
            space.publish()
    assert len(tries) == 1
    assert names(tmp_path) == []


def test_disk_full_says_how_much_more() -> None:
    error = destination_error(OSError(errno.ENOSPC, "No space"), "/data/x", more=2_100_000_000)
    assert str(error) == (
        "Disk full: about 2.1 GB more is needed at /data/x. Free space and run the same command again."
    )
    assert destination_error(OSError(errno.ENOSPC, "No space"), "/data/x").what == "Disk full at /data/x."
    polars = destination_error(OSError("No space left on device (os error 28)"), "/data/x")
    assert polars.what == "Disk full at /data/x." and polars.number == errno.ENOSPC


def test_every_system_error_has_words() -> None:
    for number in sorted(errno.errorcode):
        error = destination_error(OSError(number, os.strerror(number)), "/data/x")
        assert "/data/x" in error.what and error.what.endswith(".")
        assert error.hint.endswith("."), number


def test_small_words(tmp_path: Path) -> None:
    assert [human_size(n) for n in (0, 999, 1000, 2_100_000)] == ["0 bytes", "999 bytes", "1.0 KB", "2.1 MB"]
    assert split_compression("a.jsonl.GZ") == ("a.jsonl", "gzip")
    assert split_compression("a.csv.zst") == ("a.csv", "zstd")
    assert split_compression("a.csv") == ("a.csv", "none")
    with Workspace.open(str(tmp_path / "x")) as space:
        assert space.free_bytes() > 0


def test_missing_folders_are_made_and_taken_away_again(tmp_path: Path) -> None:
    there = tmp_path / "a" / "b" / "out.jsonl"
    with Workspace.open(str(there)):
        assert there.parent.is_dir()
    assert not (tmp_path / "a").exists()
    with Workspace.open(str(there)) as space:
        Path(space.work_path()).write_bytes(b"x")
        space.publish()
    assert there.read_bytes() == b"x"


def test_a_work_folder_that_can_not_be_emptied_is_known_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its lock stays in it, or the next run would take it for somebody else's."""
    out = tmp_path / "out.csv"
    with monkeypatch.context() as broken:
        with Workspace.open(str(out)) as space:
            Path(space.work_path()).write_bytes(b"half")
            broken.setattr(os, "unlink", lambda path, **_: unlink_all_but_work(path))
            folder = Path(space.folder)
    assert (folder / "out.csv").exists()
    with Workspace.open(str(out)) as space:
        assert not Path(space.work_path()).exists()
    assert not folder.exists()


def unlink_all_but_work(path: str, unlink: Callable[[str], None] = os.unlink) -> None:
    if str(path).endswith("out.csv"):
        raise OSError(errno.EIO, os.strerror(errno.EIO), path)
    unlink(path)
