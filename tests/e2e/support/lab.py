"""One test's own small world: a relay, agents, origins and visitors, in a folder of their own.

    def test_a_page_arrives(lab):
        web = lab.http(lab.origin(lambda wire: ...))      # starts relay and agent too
        assert lab.curl(web.url).status == 200

Everything is ended in close(), which also says what went wrong unseen: a sanitizer report, a
program that crashed or did not stop when asked, an assertion in an origin.
"""

import os
import random
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

from support.cutter import Cutter
from support.process import Process
from support.programs import Nginx, Sshd, WebSocketServer, curl
from support.wan import Wan, skip_unless_possible
from support.wire import Origin, connect, free_port

TOP = Path(__file__).resolve().parents[3]
ADIT = Path(os.environ.get("ADIT_BIN", TOP / "build" / "release" / "adit")).resolve()

SANITIZER = re.compile(r"ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|: runtime error: ")


def memory_bytes(plain):
    """A bound of memory for the program under test: ThreadSanitizer takes a multiple."""
    return plain * 6 if ADIT.parent.name == "tsan" else plain


TCP_PORTS = 200


def tcp_ports(options):
    """A range of its own for a relay that was given none: what others on this machine take does
    not change the port that a tunnel gets again."""
    first = random.randrange(10000, 32000, TCP_PORTS)
    return [] if "--tcp-ports" in options else ["--tcp-ports", f"{first}-{first + TCP_PORTS - 1}"]


class Relay(Process):
    """`adit relay` on one port, with its data in a folder that outlives the process."""

    def __init__(self, lab, name, port=None, options=(), host="127.0.0.1"):
        self.host = host
        self.port = port or free_port()
        self.data = lab.folder / f"{name}-data"
        self.options = [*options, *tcp_ports(options)]
        super().__init__(name, [ADIT, "relay", "--listen", f"{host}:{self.port}",
                                "--data", self.data, *self.options], lab.folder, lab.env)
        self.login = self.wait_line(r"adit login (\S+)").group(1)
        pin = re.search(r"sha256:[A-Za-z0-9+/=_-]+", self.login)
        self.pin = pin and pin.group()  # None: a certificate was given

    def url(self, carrier="tls"):
        return f"{carrier}://{self.host}:{self.port}"


class Tunnel:
    """One public entry: its event, and what a visitor needs to get there."""

    def __init__(self, agent, event):
        self.agent = agent
        self.name = event["name"]
        self.url = event["url"]
        parts = urlsplit(self.url)
        self.host = parts.netloc
        self.port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
        self.address = agent.relay.host if hasattr(agent, "relay") else "127.0.0.1"

    def request(self, method="GET", path="/", *headers):
        """The bytes of a request head for this tunnel."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.host}", *headers]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


class Lab:
    def __init__(self):
        # Short, because the name of a Unix socket may be 107 bytes long.
        self.folder = Path(tempfile.mkdtemp(prefix="adit-"))
        self.env = {"XDG_STATE_HOME": str(self.folder / "state"), "HOME": str(self.folder),
                    "XDG_CONFIG_HOME": str(self.folder / "config"),
                    "ASAN_OPTIONS": "detect_leaks=1", "UBSAN_OPTIONS": "print_stacktrace=1"}
        for name in ("ADIT_RELAY", "ADIT_TOKEN", "ADIT_CONFIG", "ADIT_STATE"):
            self.env.setdefault(name, "")
        self.env = {k: v for k, v in self.env.items() if v}
        self.processes = []
        self.origins = []
        self.wires = []
        self.lines = []
        self.count = {}

    def _name(self, kind):
        self.count[kind] = self.count.get(kind, 0) + 1
        return f"{kind}{self.count[kind]}"

    def _subfolder(self, kind):
        folder = self.folder / self._name(kind)
        folder.mkdir()
        return folder

    def _keep(self, process):
        self.processes.append(process)
        return process

    # -- adit

    def adit(self, *words, seconds=20, env=None, stdin=None):
        """Runs a command to its end: CompletedProcess with text outputs."""
        return subprocess.run([str(w) for w in (ADIT, *words)], capture_output=True, text=True,
                              cwd=self.folder, env={**os.environ, **self.env, **(env or {})},
                              timeout=seconds, input=stdin, check=False)

    def start(self, *words, name=None, env=None):
        """Starts a command that goes on running."""
        return self._keep(Process(name or self._name("adit"), [ADIT, *words], self.folder,
                                  {**self.env, **(env or {})}))

    def relay(self, *options, port=None, name=None, host="127.0.0.1"):
        return self._keep(Relay(self, name or self._name("relay"), port, options, host))

    def restart(self, relay):
        """The same relay again, after it has ended: same port, data and options."""
        return self._keep(Relay(self, relay.name, relay.port, relay.options, relay.host))

    @property
    def the_relay(self):
        """The relay of a test that does not care which."""
        found = [p for p in self.processes if isinstance(p, Relay)]
        return found[-1] if found else self.relay()

    def token(self, relay, name, *options):
        done = self.adit("token", "create", name, "--data", relay.data, *options)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def agent(self, *words, relay=None, token=None, carrier="tls", state=None):
        """`adit WORDS... --json`, with an identity of its own unless a state folder is given."""
        relay = relay or self.the_relay
        token = token or self.token(relay, self._name("token"))
        name = self._name("agent")
        state = state or self.folder / f"{name}-state"
        process = self.start(*words, "--relay", relay.url(carrier), "--token", token,
                             "--pin", relay.pin, "--state", state, "--json", name=name)
        process.relay, process.token, process.state = relay, token, state
        return process

    def tunnel(self, agent, seconds=10, **fields):
        """Waits until the agent has announced it."""
        return Tunnel(agent, agent.wait_event("tunnel", seconds, **fields))

    def http(self, target, *options, **how):
        return self.tunnel(self.agent("http", target_of(target), *options, **how))

    def tcp(self, target, *options, **how):
        return self.tunnel(self.agent("tcp", target_of(target), *options, **how))

    # -- origins

    def origin(self, handler, unix=False, host="127.0.0.1"):
        path = self.folder / f"{self._name('origin')}.sock" if unix else None
        self.origins.append(Origin(handler, path, host))
        return self.origins[-1]

    def nginx(self, more="", listen=""):
        server = Nginx(self._subfolder("nginx"), more, listen)
        self._keep(server.process)
        return server

    def sshd(self):
        server = Sshd(self._subfolder("sshd"))
        self._keep(server.process)
        return server

    def run_beside(self, *command):
        """Any other program that goes on running."""
        return self._keep(Process(self._name(command[0]), command, self.folder))

    def websocket(self, handler):
        self.origins.append(WebSocketServer(handler))
        return self.origins[-1]

    # -- bad lines

    def cutter(self, relay=None, **how):
        """What to give an agent as `relay=`, to cut its line later (support/cutter.py)."""
        self.lines.append(Cutter(relay or self.the_relay, **how))
        return self.lines[-1]

    def wan(self, *settings, **how):
        """Two network namespaces and the line between them (support/wan.py)."""
        skip_unless_possible()
        self.lines.append(Wan(*settings, **how))
        return self.lines[-1]

    # -- visitors

    def curl(self, url, *options, **how):
        return curl(self.folder, url, *options, **how)

    def get(self, tunnel, *options, **how):
        """curl at the relay itself: the URL of an agent behind a Cutter leads to the Cutter."""
        return self.curl(tunnel.url, "--connect-to", f"::127.0.0.1:{self.the_relay.port}",
                         *options, **how)

    def visit(self, entry):
        """A raw connection to a tunnel, a relay or a port number."""
        self.wires.append(connect(getattr(entry, "port", entry),
                                  getattr(entry, "address", "127.0.0.1")))
        return self.wires[-1]

    def eventually(self, is_so, seconds=15):
        """Waits until is_so() is true; connections that fail meanwhile do not count."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                if is_so():
                    return
            except (OSError, EOFError):
                pass
            assert time.monotonic() < deadline, f"not so within {seconds} s"
            time.sleep(0.05)

    # -- the end

    def close(self):
        """Ends all; the list of what went wrong."""
        wrong = []
        for wire in self.wires:
            wire.close()
        for origin in self.origins:
            origin.stop()
        for process in reversed(self.processes):  # agents before their relay
            wrong += end(process)
        for line in self.lines:
            line.stop()
        for origin in self.origins:
            wrong += [f"in an origin: {f!r}" for f in getattr(origin, "failures", ())]
        return wrong

    def logs(self):
        for process in self.processes:
            text = process.log_path.read_text(errors="replace")
            yield process.name, text[-6000:]

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)


def target_of(target):
    return getattr(target, "target", target)


def end(process):
    wrong = []
    was_running = process.is_running()
    try:
        status = process.stop()
    except AssertionError as late:
        wrong.append(str(late))
        status = process.kill()
    is_adit = process.command[0] == str(ADIT)
    if is_adit and was_running and status != 0:
        wrong.append(f"{process.name} was asked to stop and ended with {status}, not 0")
    if is_adit and -status in (signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS):
        wrong.append(f"{process.name} crashed: {signal.Signals(-status).name}")
    if is_adit:
        wrong += [f"{process.name}: {line}" for line in process.stderr() if SANITIZER.search(line)]
    return wrong
