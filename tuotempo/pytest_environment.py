"""The environment of the tests: nothing of the machine's, and a database of their own.

Loaded by `-p` in pyproject.toml, before Django reads its settings. With
TEST_DATABASE=mariadb it starts a throwaway MariaDB (own folder, socket only) from the
Debian package; without that package it fails, for a suite that skips proves nothing.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

TOKEN = "prueba-" + "0" * 32


def prepare() -> None:
    memory = Path("/dev/shm")  # noqa: S108 (there, an fsync costs nothing)
    place = memory if os.access(memory, os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="tt-", dir=place))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ.update(
        ENV_FILE="",
        SECRET_KEY="only-for-tests-" + "0" * 32,
        DEBUG="false",
        HTTPS="false",
        DIAL_JOURNAL=str(folder / "journal"),
        PEARL_API_URL="http://127.0.0.1:9",
        PEARL_WEBHOOK_TOKEN=TOKEN,
        PEARL_REQUESTS_PER_SECOND="0",
        PEARL_MAX_IN_FLIGHT="8",
        POLL_SECONDS="0.5",
        DJANGO_ALLOW_ASYNC_UNSAFE="true",
    )
    if os.environ.get("TEST_DATABASE", "sqlite") != "mariadb":
        os.environ["DATABASE_URL"] = f"sqlite:///{folder / 'tests.sqlite3'}"
        return
    if "TEST_MARIADB_SOCKET" not in os.environ:  # else: an xdist worker
        os.environ["TEST_MARIADB_SOCKET"] = start_mariadb(folder)
    socket = os.environ["TEST_MARIADB_SOCKET"]
    os.environ["DATABASE_URL"] = f"mysql://root@/tuotempo?unix_socket={socket}"


def start_mariadb(folder: Path) -> str:
    """A server that ends with this process. Returns its socket."""
    install_mariadb(folder)
    process = run_mariadb(folder)
    atexit.register(process.wait)
    atexit.register(process.terminate)
    return str(folder / "s")


def install_mariadb(folder: Path) -> None:
    """One at a time on a machine: several at once may leave system tables out."""
    install = _need("mariadb-install-db", "/usr/bin/mariadb-install-db")
    options = ["--auth-root-authentication-method=normal", "--skip-test-db"]
    with (Path(tempfile.gettempdir()) / "tt-install-mariadb").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(  # noqa: S603
            [install, *_common(folder), *options],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


def run_mariadb(folder: Path) -> subprocess.Popen[bytes]:
    """Returns once the server answers on its socket, `folder / "s"`."""
    server, socket = _need("mariadbd", "/usr/sbin/mariadbd"), folder / "s"
    socket.unlink(missing_ok=True)
    options = [
        f"--socket={socket}",
        f"--pid-file={folder / 'pid'}",
        f"--log-error={folder / 'err.log'}",
        # Its own: in a shared one, a server that starts deletes the others' tables.
        f"--tmpdir={folder}",
        "--skip-networking",
        "--skip-name-resolve",
        "--skip-log-bin",
        "--innodb-flush-log-at-trx-commit=1",
        "--innodb-doublewrite=0",
        "--innodb-buffer-pool-size=256M",
        "--character-set-server=utf8mb4",
        "--collation-server=utf8mb4_unicode_ci",
    ]
    process = subprocess.Popen(  # noqa: S603
        [server, *_common(folder), *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 30
    while not socket.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            log = (folder / "err.log").read_text() if folder.exists() else ""
            pytest.exit(f"MariaDB did not start:\n{log}", returncode=3)
        time.sleep(0.05)
    return process


def _common(folder: Path) -> list[str]:
    user = ["--user=root"] if os.geteuid() == 0 else []
    return ["--no-defaults", *user, f"--datadir={folder / 'data'}"]


def _need(name: str, otherwise: str) -> str:
    found = shutil.which(name) or (otherwise if Path(otherwise).exists() else None)
    if found is None:
        pytest.exit(f"{name} is missing: run script/bootstrap", returncode=3)
    return found


prepare()
