"""Two places with a bad line between them: `home`, where agent and origin live, and `world`, where
relay and visitors live. Each is a network namespace of its own; packets go through the program of
tests/support/wan/.

    wan = lab.wan("delay=40ms", "loss=1%")
    with wan.world:                       # sockets made and programs started in here live there
        relay = lab.relay(host=wan.world.address)
    with wan.home:
        tunnel = lab.tcp(lab.origin(handler), relay=relay)
    wan.cut(); wan.heal()

Nothing outlives the test: the cards go with the program, the program with our end of its pipe, and
the namespaces, which have no name, with our descriptors and the programs inside.
"""

import ctypes
import json
import os
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[3]
HOME, WORLD = "10.77.0.2", "10.77.1.1"
PUBLIC = "10.77.2.1"  # first of the addresses a router with NAT uses
CLONE_NEWNET = 0x40000000
MTU = "1400"

libc = ctypes.CDLL(None, use_errno=True)


def wan_program():
    """The newest one that was built; release has none, sanitized ones are slower but the same."""
    built = sorted(TOP.glob("build/*/tests/wan"), key=lambda path: path.stat().st_mtime)
    return built[-1] if built else None


def skip_unless_possible():
    if not shutil.which("ip"):
        pytest.skip("no ip(8) here: apt-get install iproute2")
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        pytest.skip("no /dev/net/tun here")
    if not wan_program():
        pytest.skip("the program wan is not built (cmake --build --preset debug -t wan)")
    try:
        os.close(new_namespace())
    except PermissionError:
        pytest.skip("network namespaces need root")


def our_namespace():
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY)


def go_to(namespace):
    if libc.setns(namespace, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def new_namespace():
    """Its descriptor. Without a name in /run/netns, because that needs to mount."""
    before = our_namespace()
    if libc.unshare(CLONE_NEWNET) != 0:
        os.close(before)
        raise OSError(ctypes.get_errno(), "unshare")
    made = our_namespace()
    go_to(before)
    os.close(before)
    return made


class Place:
    """A network namespace; `with place:` puts the current thread, and what it starts, there."""

    def __init__(self, address):
        self.address = address
        self.before = []
        self.namespace = new_namespace()
        self._ip("link", "set", "lo", "up")

    def connect_card(self):
        self._ip("addr", "add", f"{self.address}/32", "dev", "wan0")
        self._ip("link", "set", "wan0", "mtu", MTU, "up")
        self._ip("route", "add", "default", "dev", "wan0", "src", self.address)

    def add_address(self, address):
        self._ip("addr", "add", f"{address}/32", "dev", "wan0")

    def change_address(self, address):
        """What a laptop does that is carried to another network."""
        self.add_address(address)
        self._ip("route", "replace", "default", "dev", "wan0", "src", address)
        self._ip("addr", "del", f"{self.address}/32", "dev", "wan0")
        self.address = address

    def __enter__(self):
        self.before.append(our_namespace())
        go_to(self.namespace)
        return self

    def __exit__(self, *_):
        fd = self.before.pop()
        go_to(fd)
        os.close(fd)

    def _ip(self, *words):
        with self:
            subprocess.run(["ip", *words], check=True)

    def path(self):
        """For a program that inherits the descriptor."""
        return f"/proc/self/fd/{self.namespace}"

    def remove(self):
        os.close(self.namespace)


class Wan:
    def __init__(self, *settings, seed=1, nat=False):
        self.places = []
        self.program = None
        try:
            self.home = self._place(HOME)
            self.world = self._place(WORLD)
            self.program = subprocess.Popen(
                [wan_program(), "--inside", self.home.path(), "--outside", self.world.path(),
                 "--seed", str(seed), *(["--nat", PUBLIC] if nat else []), *settings],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
                pass_fds=[place.namespace for place in self.places])
            assert self.program.stdout.readline() == "ready\n"
            self.home.connect_card()
            self.world.connect_card()
        except BaseException:
            self.stop()
            raise

    def _place(self, address):
        self.places.append(Place(address))
        return self.places[-1]

    def tell(self, *words):
        """Says a command to the program; the lines of its answer before "ok"."""
        self.program.stdin.write(" ".join(words) + "\n")
        self.program.stdin.flush()
        lines = []
        while (line := self.program.stdout.readline()) != "ok\n":
            assert line and not line.startswith("error"), line
            lines.append(line)
        return lines

    def cut(self, *way):
        self.tell("cut", *way)

    def stall(self, *way):
        self.tell("stall", *way)

    def heal(self, *way):
        self.tell("heal", *way)

    def set(self, *settings):
        self.tell("set", *settings)

    def rebind(self):
        self.tell("rebind")

    def counts(self):
        return json.loads(self.tell("show")[0])

    @contextmanager
    def outage(self, *way):
        self.cut(*way)
        try:
            yield
        finally:
            self.heal(*way)

    def stop(self):
        if self.program:
            self.program.stdin.close()
            try:
                self.program.wait(5)
            except subprocess.TimeoutExpired:
                self.program.kill()
                self.program.wait()
            self.program.stdout.close()
        for place in self.places:
            place.remove()
