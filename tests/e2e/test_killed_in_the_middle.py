"""Relay, agent, visitors and origin are killed (-9) in the middle of transfers, again and again.
What is left works, and nothing is left over: no descriptor, session, visitor or stream, and the
store opens."""

import json
import re
import signal
import subprocess
import time

import pytest

from support.lab import Tunnel
from support.process import Process
from support.wire import free_port

MB = 1 << 20
ROUNDS = 3


class Town:
    """A relay with a web and a port tunnel of two agents, and the nginx behind both."""

    def __init__(self, lab):
        self.lab = lab
        self.admin = f"127.0.0.1:{free_port()}"
        # Ports of its own: another relay on this machine may take one while this one is dead.
        self.relay = lab.relay("--admin", self.admin, "--grace", "3s", "--tcp-ports", "27000-27999")
        self.nginx = lab.nginx()
        with (self.nginx.www / "big.bin").open("wb") as file:
            file.truncate(256 * MB)
        (self.nginx.www / "small.txt").write_bytes(b"small")
        token = lab.token(self.relay, "town")
        self.web = lab.http(self.nginx.target, "web", relay=self.relay, token=token)
        self.port = lab.tcp(f"tcp://127.0.0.1:{self.nginx.port}", relay=self.relay, token=token)
        self.visitors = []

    # -- what goes on

    def url(self, path, tunnel=None):
        port = self.port.port if tunnel is self.port else self.relay.port
        return f"http://127.0.0.1:{port}{path}"

    def visit(self, *options):
        host = f"Host: {self.web.host}"
        for tunnel in (self.web, self.port):
            for path in ("/big.bin", "/small.txt"):
                self.visitors.append(subprocess.Popen(
                    ["curl", "-q", "-s", "-o", "/dev/null", "--limit-rate", "20M",
                     "--max-time", "30", "-H", host, *options, self.url(path, tunnel)], stderr=subprocess.DEVNULL))

    def upload(self):
        self.visit("-T", str(self.nginx.www / "big.bin"))

    # -- who is killed

    def kill_visitors(self):
        while self.visitors:
            visitor = self.visitors.pop()
            visitor.kill()
            visitor.wait()

    def kill_relay(self):
        self.relay.kill()
        self.relay = self.lab.restart(self.relay)

    def kill_agent(self):
        for tunnel in (self.web, self.port):
            old = tunnel.agent
            old.kill()
            agent = self.lab.start(*old.command[1:])
            agent.relay = old.relay
            again = Tunnel(agent, agent.wait_event("tunnel"))
            assert again.url == tunnel.url
            tunnel.agent = agent

    def kill_origin(self):
        process = self.nginx.process
        process.kill()
        self.nginx.process = self.lab._keep(Process(self.lab._name("nginx-again"), process.command,
                                                    self.lab.folder))

    # -- what is left

    def figure(self, name):
        page = self.lab.curl(f"http://{self.admin}/metrics").body.decode()
        return int(re.search(rf"^{name} (-?\d+)$", page, re.M).group(1))

    def works(self):
        host = f"Host: {self.web.host}"
        return all(self.lab.curl(self.url("/small.txt", tunnel), "-H", host, check=False).body
                   == b"small" for tunnel in (self.web, self.port))

    def is_quiet(self):
        return (self.figure("adit_visitors_open") == 0 and self.figure("adit_streams_open") == 0
                and self.figure("adit_sessions_open") == 2)

    def processes(self):
        return [self.relay, self.web.agent, self.port.agent]

    def settle(self):
        """Descriptors of all three once everything has ended, idle origins too."""
        self.kill_visitors()
        self.lab.eventually(self.works, 15)
        self.lab.eventually(self.is_quiet, 15)
        return [p.descriptor_count() for p in self.processes()]


@pytest.mark.limit(180)
@pytest.mark.parametrize("who", ["visitors", "relay", "agent", "origin"])
def test_nothing_is_left_over(lab, who):
    town = Town(lab)
    before = town.settle()
    for _ in range(ROUNDS):
        town.visit()
        town.upload()
        time.sleep(0.4)
        getattr(town, f"kill_{who}")()
        time.sleep(0.2)
    town.settle()
    lab.eventually(lambda: all(now <= then + 1 for now, then in
                               zip([p.descriptor_count() for p in town.processes()], before)), 10)
    status = json.loads(lab.adit("status", "--json", "--data", town.relay.data).stdout)
    assert len(status["sessions"]) == 2
    tokens = lab.adit("token", "list", "--data", town.relay.data)
    assert tokens.returncode == 0 and "town" in tokens.stdout
    town.relay.kill()
    assert lab.adit("token", "list", "--data", town.relay.data).returncode == 0


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_relay_that_stops_waits_for_no_agent_that_is_away(lab, when):
    """Nobody can come back to it: what the dead agent served is over."""
    def hello(wire):
        wire.send(b"hello")
        wire.read_to_end()
    tunnel = lab.tcp(lab.origin(hello))
    visitor = lab.visit(tunnel)
    assert visitor.read_exact(5) == b"hello"
    if when == "before":
        tunnel.agent.kill()
        lab.the_relay.wait_line("link lost")
    lab.the_relay.signal(signal.SIGTERM)
    time.sleep(0.5)
    assert lab.the_relay.is_running() == (when == "after")
    if when == "after":
        tunnel.agent.kill()
    assert lab.the_relay.wait_exit(5) == 0
