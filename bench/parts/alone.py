"""The figures that only adit has: memory of what is idle, and the time until a URL is there."""

import os
import statistics
import subprocess
import time

from parts.machine import rss_bytes, slab_bytes
from support.lab import ADIT

AGENTS = 1000
CROWDS = 3
STREAMS = 10000
WARM_MS = 8000
STARTS = 9


def settle():
    time.sleep(2)


AGENT = "idle agent with one {} tunnel: {}"
AGENT_PARTS = ("relay", "kernel, both ends", "agent's side, in one process")


def one_crowd(lab, programs, kind):
    """Bytes of each of AGENT_PARTS for an agent."""
    relay = lab.relay("--workers", 1, "--log-level", "warn", "--tcp-ports", "10000-32000")
    token = lab.token(relay, "crowd")
    settle()
    rss, slab = rss_bytes(relay), slab_bytes()
    crowd = lab.run_beside(programs / "idle_agents", relay.url("tls"), relay.pin, token, 1,
                           AGENTS, 1, kind)
    lab.eventually(lambda: len(crowd.stdout()) >= AGENTS, 60)
    settle()
    found = (rss_bytes(relay) - rss, slab_bytes() - slab, rss_bytes(crowd))
    crowd.kill()
    relay.stop()
    settle()
    return [value / AGENTS for value in found]


def memory_of_agents(lab, programs):
    """Bytes for each of AGENTS agents over TLS: RSS of the relay, and slabs of the kernel, where both
    ends' sockets count. A TCP tunnel has a listening socket beside. The slabs are those of the
    whole machine: the median of several crowds is told."""
    crowds = {kind: [] for kind in ("http", "tcp")}
    for _ in range(CROWDS):
        for kind, found in crowds.items():
            found.append(one_crowd(lab, programs, kind))
    return {AGENT.format(kind, part): statistics.median(values)
            for kind, found in crowds.items()
            for part, values in zip(AGENT_PARTS, zip(*found))}


WHOLE = "idle stream: all of the {}, with socket, watch and pump"
ENGINE = "idle stream: engine and link stream, each side"


def memory_of_streams(lab, origins, programs):
    """Bytes for each of STREAMS idle streams of one session: of heap for what the tunnel itself
    keeps, and of RSS for all that a process has for it; and RSS without any."""
    engine = subprocess.run([programs / "idle_streams", str(STREAMS)], capture_output=True,
                            text=True, check=True).stdout
    relay = lab.relay("--workers", 1, "--log-level", "warn")
    tunnel = lab.tcp(f"127.0.0.1:{origins.raw_port}", relay=relay)
    settle()
    idle = {"relay": rss_bytes(relay), "agent": rss_bytes(tunnel.agent)}
    # Enough for the cipher that comes with bulk, which a process pays for once.
    subprocess.run([programs / "load", "ping", str(tunnel.port), str(WARM_MS)],
                   capture_output=True, check=True)
    settle()
    before = {"relay": rss_bytes(relay), "agent": rss_bytes(tunnel.agent)}
    holder = subprocess.Popen([programs / "load", "hold", str(tunnel.port), str(STREAMS)],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "ready\n"
    settle()
    after = {"relay": rss_bytes(relay), "agent": rss_bytes(tunnel.agent)}
    holder.communicate("\n")
    relay.stop()
    return {"idle agent, RSS": idle["agent"], "idle relay, RSS": idle["relay"],
            ENGINE: float(engine),
            **{WHOLE.format(side): (after[side] - before[side]) / STREAMS for side in before}}


def time_to_line(command, env):
    start = time.monotonic()
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, env={**os.environ, **env})
    process.stdout.readline()
    took = time.monotonic() - start
    process.terminate()
    process.wait(10)
    return took * 1e3


def time_to_url(lab, origins):
    """Milliseconds from exec to the URL on stdout."""
    relay = lab.relay("--log-level", "warn")
    token = lab.token(relay, "starter")
    took = [time_to_line([ADIT, "http", origins.web_port, "--relay", relay.url("tls"), "--pin",
                          relay.pin, "--token", token, "--state", lab.folder / "starting"], lab.env)
            for _ in range(STARTS)]
    relay.stop()
    return {"start to URL, ms": statistics.median(took), "slowest start, ms": max(took)}
