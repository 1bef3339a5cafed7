"""What a long version needs of the machine: a database of its own, and a free port."""

from __future__ import annotations

import atexit
import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path


class Server:
    """A throwaway MariaDB that can be killed and started again."""

    def __init__(self) -> None:
        memory = Path("/dev/shm")  # noqa: S108 (there, an fsync costs nothing)
        place = memory if os.access(memory, os.W_OK) else None
        self.folder = Path(tempfile.mkdtemp(prefix="tt-", dir=place))
        self.socket = str(self.folder / "s")
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(self._remove)

    def install(self) -> None:
        from tuotempo.pytest_environment import install_mariadb

        install_mariadb(self.folder)

    def start(self) -> None:
        """Returns once it answers."""
        from tuotempo.pytest_environment import run_mariadb

        self._process = run_mariadb(self.folder)

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def _remove(self) -> None:
        if self._process is not None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


def prepare(database: str) -> Server | None:
    """A new, migrated database for this process and its children, as the tests have.

    Before anything of Django's is imported. It ends with this process; the server comes
    back if it has one.
    """
    server = Server() if database == "mariadb" else None
    os.environ |= {
        "TEST_DATABASE": database,
        "DJANGO_SETTINGS_MODULE": "tuotempo.settings",
    }
    if server is not None:
        os.environ["TEST_MARIADB_SOCKET"] = server.socket
    import tuotempo.pytest_environment  # noqa: F401 (its import sets the environment)

    if server is not None:
        server.install()
        server.start()
        _create_database(server.socket)
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    return server


def _create_database(socket_path: str) -> None:
    create = "CREATE DATABASE tuotempo CHARACTER SET utf8mb4"
    subprocess.run(["mariadb", "-uroot", "-S", socket_path, "-e", create], check=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
