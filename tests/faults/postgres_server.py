"""A throwaway PostgreSQL server on loopback, which can be killed and started again."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from contextlib import suppress
from pathlib import Path

import psycopg


class PostgresServer:
    """A server with a folder of its own.

    Args:
        fsync: write to disk before a commit is told, as outside of tests; the tests that kill nothing do without.
    """

    def __init__(self, *, fsync: bool = False) -> None:
        self._binaries = find_binaries()
        assert self._binaries is not None
        self._folder = Path(tempfile.mkdtemp(prefix="ladle-postgres-"))
        self._user = None
        if os.geteuid() == 0:  # the server refuses to run as root
            self._user = next(name for name in ("postgres", "nobody") if _exists(name))
            shutil.chown(self._folder, self._user)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self._options = f"-p {port} -k {self._folder} -c listen_addresses=127.0.0.1 -c fsync={'on' if fsync else 'off'}"
        self.url = f"postgresql://ladle@127.0.0.1:{port}"
        self._call("initdb", "-D", self._data, "-U", "ladle", "-A", "trust", "--no-sync")
        self.start()

    def start(self) -> None:
        self._call("pg_ctl", "-D", self._data, "-w", "-l", self._folder / "log", "-o", self._options, "start")

    def stop(self) -> None:
        self._call("pg_ctl", "-D", self._data, "-w", "-m", "immediate", "stop")
        shutil.rmtree(self._folder)

    def new_database(self) -> str:
        """Return the URL of an empty database."""
        name = f"ladle_{uuid.uuid4().hex}"
        with psycopg.connect(f"{self.url}/postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return f"{self.url}/{name}"

    def kill_postmaster(self) -> str:
        """Kill the server's first process, and start it again on what it left."""
        pid = int((self._data / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGKILL)
        for _ in range(1200):
            # Its backends have to see that it is gone before the folder is free.
            with suppress(subprocess.CalledProcessError):
                self.start()
                return "PostgreSQL postmaster"
            time.sleep(0.1)
        raise AssertionError((self._folder / "log").read_text())

    def kill_backend(self, database: str) -> str:
        """Kill the process behind one connection to a database; the server then ends all and recovers."""
        name = database.rsplit("/", 1)[1]
        try:
            with psycopg.connect(f"{self.url}/postgres", autocommit=True) as connection:
                query = "SELECT pid FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"
                pids = [pid for (pid,) in connection.execute(query, (name,))]
                if not pids:
                    return ""
                os.kill(pids[0], signal.SIGKILL)
        except (psycopg.OperationalError, ProcessLookupError):
            pass
        self.wait()
        return "PostgreSQL backend"

    def wait(self) -> None:
        """Wait until it takes connections."""
        # A recovery reads and syncs what was written since the last checkpoint: on a busy machine that takes its time.
        for _ in range(2400):
            try:
                psycopg.connect(f"{self.url}/postgres").close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError((self._folder / "log").read_text())

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _call(self, program: str, *words: str | Path) -> None:
        assert self._binaries is not None
        command = [str(word) for word in (self._binaries / program, *words)]
        subprocess.run(
            command, check=True, user=self._user, cwd=self._folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )


def find_binaries() -> Path | None:
    """Return the folder of Debian's newest PostgreSQL server binaries; None where there are none."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return programs[-1].parent if programs else None


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True
