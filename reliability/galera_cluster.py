"""Three MariaDB nodes on loopback that replicate to each other (Galera), and a switch
in front of them that lets everybody talk to one.

Debian's packages: mariadb-server-core, galera-4, rsync; and, of mariadb-server, only
the scripts by which a node that comes back gets what it missed (`wsrep_sst_*`), which
`script/bootstrap --galera` takes out of it: the package itself would start a server.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from reliability.scene import ROOT

PROVIDER = Path("/usr/lib/galera/libgalera_smm.so")
FETCHED = ROOT / "var" / "wsrep" / "usr" / "bin"
SERVER = shutil.which("mariadbd") or "/usr/sbin/mariadbd"
USER = "tuotempo"
# Not root: its rsync would serve as nobody, and find nothing.
UNPRIVILEGED = "nobody"
POSITION = re.compile(r"Recovered position: (\S+:-?\d+)")
PULSE = "REPLACE INTO harness.pulse VALUES (1, NOW(6))"
# How soon a node that fell silent is left behind; Galera's own 5 s would make a harness
# of many kills wait.
PATIENCE = (
    "evs.keepalive_period=PT0.4S;evs.inactive_check_period=PT0.4S;"
    "evs.suspect_timeout=PT1.5S;evs.inactive_timeout=PT4S;evs.install_timeout=PT4S"
)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def state_scripts(folder: Path) -> Path:
    """A folder with the wsrep_sst scripts that everybody may read, for the servers may
    run as another user. Raises RuntimeError: what is missing."""
    found = shutil.which("wsrep_sst_rsync", path=f"{FETCHED}:{os.environ['PATH']}")
    if not PROVIDER.exists() or shutil.which("rsync") is None or found is None:
        raise RuntimeError("Galera's packages are missing: script/bootstrap --galera")
    folder.mkdir()
    for script in Path(found).parent.glob("wsrep_sst_*"):
        shutil.copy(script, folder)
    return folder


@dataclass(kw_only=True)
class Node:
    """One server, which may be killed and comes back by itself."""

    name: str
    folder: Path
    scripts: Path
    port: int = field(default_factory=free_port)
    group_port: int = field(default_factory=free_port)
    missed_port: int = field(default_factory=free_port)
    state_port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def start(
        self, nodes: list[Node], *, writer: str = "", first: bool = False
    ) -> None:
        """Returns at once. `first`: it makes the cluster that the others then join.
        `writer`: the node that had better not stop to give it what it missed."""
        position = self.position()
        options = [f"--wsrep-start-position={position}"] if position else []
        donors = [one.name for one in nodes if one.name not in (writer, self.name)]
        options.append(f"--wsrep-sst-donor={','.join(donors)},")
        if first:
            options.append("--wsrep-new-cluster")
            self._may_be_first()
        self.process = subprocess.Popen(
            [*self._command(nodes), *options],
            env={**os.environ, "PATH": f"{self.scripts}:{os.environ['PATH']}"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def position(self) -> str:
        """How far it had come when it was killed, so that it gets only what it missed;
        empty if it is new."""
        if not (self.folder / "data" / "grastate.dat").exists():
            return ""
        log = self.folder / "recovery.log"
        log.unlink(missing_ok=True)
        command = [*self._command([]), "--wsrep-recover", f"--log-error={log}"]
        subprocess.run(command, check=False, capture_output=True, timeout=60)
        found = POSITION.findall(log.read_text(errors="replace"))
        return str(found[-1]) if found else "00000000-0000-0000-0000-000000000000:-1"

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def ask(self, sql: str) -> str:
        """Its answer, columns by tabs; empty if it gives none."""
        client = ["mariadb", "-h127.0.0.1", f"-P{self.port}", f"-u{USER}", "-N"]
        with suppress(subprocess.TimeoutExpired):
            done = subprocess.run(
                [*client, "--connect-timeout=2", "-e", sql],
                capture_output=True,
                text=True,
                timeout=3,
                check=False,
            )
            return done.stdout if done.returncode == 0 else ""
        return ""

    def is_synced(self) -> bool:
        """Whether it has all that the cluster has, and takes part in it."""
        wanted = {
            "wsrep_ready": "ON",
            "wsrep_cluster_status": "Primary",
            "wsrep_local_state_comment": "Synced",
        }
        names = ", ".join(f"'{name}'" for name in wanted)
        said = self.ask(f"SHOW GLOBAL STATUS WHERE Variable_name IN ({names})")
        return wanted == dict(line.split("\t") for line in said.splitlines())

    def _may_be_first(self) -> None:
        state = self.folder / "data" / "grastate.dat"
        if state.exists():
            text = state.read_text()
            state.write_text(text.replace("to_bootstrap: 0", "to_bootstrap: 1"))

    def _command(self, nodes: list[Node]) -> list[str]:
        group = ",".join(f"127.0.0.1:{node.group_port}" for node in nodes)
        here = f"127.0.0.1:{self.group_port}"
        missed = f"ist.recv_addr=127.0.0.1:{self.missed_port}"
        listen = f"gmcast.listen_addr=tcp://{here};base_port={self.group_port}"
        user = [f"--user={UNPRIVILEGED}"] if os.geteuid() == 0 else []
        return [
            SERVER,
            "--no-defaults",
            *user,
            f"--datadir={self.folder / 'data'}",
            f"--socket={self.folder / 's'}",
            f"--pid-file={self.folder / 'pid'}",
            f"--log-error={self.folder / 'err.log'}",
            f"--tmpdir={self.folder}",
            f"--port={self.port}",
            "--bind-address=127.0.0.1",
            "--skip-name-resolve",
            "--character-set-server=utf8mb4",
            "--collation-server=utf8mb4_unicode_ci",
            "--innodb-flush-log-at-trx-commit=1",
            "--innodb-buffer-pool-size=64M",
            "--innodb-log-file-size=16M",
            "--innodb-autoinc-lock-mode=2",
            "--binlog-format=ROW",
            "--wsrep-on=ON",
            f"--wsrep-provider={PROVIDER}",
            "--wsrep-cluster-name=tuotempo",
            f"--wsrep-cluster-address=gcomm://{group}",
            f"--wsrep-node-name={self.name}",
            f"--wsrep-node-address={here}",
            "--wsrep-sst-method=rsync",
            f"--wsrep-sst-receive-address=127.0.0.1:{self.state_port}",
            "--wsrep-sync-wait=1",
            f"--wsrep-provider-options=gcache.size=64M;pc.recovery=false;"
            f"{listen};{missed};{PATIENCE}",
        ]


class Switch:
    """A TCP switch, as a load balancer with one active server: whoever connects gets
    the node it points to, and turning it cuts what was open (HAProxy's
    `on-marked-down shutdown-sessions`)."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = int(self._listener.getsockname()[1])
        self._target = 0
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def to(self, port: int) -> None:
        """0: to nobody."""
        with self._lock:
            self._target = port
            cut, self._open = self._open, set()
        for one in cut:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.to(0)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _address = self._listener.accept()
                threading.Thread(
                    target=self._connect, args=(client,), daemon=True
                ).start()

    def _connect(self, client: socket.socket) -> None:
        target = self._target
        try:
            server = socket.create_connection(("127.0.0.1", target), timeout=2)
        except (OSError, OverflowError):
            client.close()
            return
        server.settimeout(None)
        with self._lock:
            is_current = target == self._target
            self._open |= {client, server} if is_current else set()
        if not is_current:
            client.close()
            server.close()
            return
        back = threading.Thread(target=pump, args=(server, client), daemon=True)
        back.start()
        pump(client, server)
        back.join()
        with self._lock:
            self._open -= {client, server}
        client.close()
        server.close()


def pump(source: socket.socket, sink: socket.socket) -> None:
    """Until one of them ends; then both do."""
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    for one in (source, sink):
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


class Cluster:
    """Made of one database folder, copied for each node."""

    def __init__(self, folder: Path, data: Path) -> None:
        self.nodes = []
        scripts = state_scripts(folder / "scripts")
        for number in (1, 2, 3):
            place = folder / f"node{number}"
            place.mkdir()
            shutil.copytree(data, place / "data")
            if os.geteuid() == 0:
                for path in (place, *place.rglob("*")):
                    shutil.chown(path, UNPRIVILEGED, "nogroup")
            node = Node(name=f"node{number}", folder=place, scripts=scripts)
            self.nodes.append(node)
        self.switch = Switch()
        self.writer = self.nodes[0]

    def form(self, first: Node) -> None:
        """From nothing, or after all were killed. Raises TimeoutError."""
        first.start(self.nodes, first=True)
        self.await_synced([first])
        self.point_to(first)
        for node in self.nodes:
            if node is not first:
                node.start(self.nodes, writer=first.name)
                self.await_synced([node])

    def point_to(self, node: Node) -> None:
        self.writer = node
        self.switch.to(node.port)

    def fail_over(self) -> None:
        """To a node that has everything. Raises TimeoutError."""
        deadline = time.monotonic() + 60
        self.switch.to(0)
        while time.monotonic() < deadline:
            for node in self.nodes:
                if node.process is not None and node.is_synced():
                    self.point_to(node)
                    return
            time.sleep(0.05)
        raise TimeoutError("no node became the writer")

    def await_written(self) -> None:
        """Until the writer has committed something. Raises TimeoutError."""
        deadline = time.monotonic() + 60
        while not self.writer.ask(f"{PULSE}; SELECT 'written'"):
            if time.monotonic() > deadline:
                raise TimeoutError("the writer writes nothing")
            time.sleep(0.02)

    def come_back_from_nothing(self) -> None:
        """All were killed: the one that had come furthest begins."""
        self.switch.to(0)
        positions = {node.name: node.position() for node in self.nodes}
        furthest = max(
            self.nodes, key=lambda node: int(positions[node.name].split(":")[1])
        )
        self.form(furthest)

    def await_synced(self, nodes: list[Node], *, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        for node in nodes:
            while not node.is_synced():
                if time.monotonic() > deadline:
                    log = (node.folder / "err.log").read_text(errors="replace")
                    raise TimeoutError(f"{node.name} did not join:\n{log[-2000:]}")
                time.sleep(0.1)

    def close(self) -> None:
        self.switch.close()
        for node in self.nodes:
            node.kill()
