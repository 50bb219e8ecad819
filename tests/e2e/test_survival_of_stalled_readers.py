"""A thousand visitors that do not read what they asked for: memory stays bounded, and somebody who
does read is served as if they were not there."""

import socket
import statistics
import time

import pytest

from support.lab import ADIT

MB = 1 << 20
LINK_BUDGET = 64 * MB
# Written to its socket, which takes no more, and read with the head of the answer: 64 KiB each;
# and what lies beside such pieces in their chunks.
PER_VISITOR = (128 + 32) * 1024
OVERHEAD = {"asan": 2, "tsan": 6}.get(ADIT.parent.name, 1)  # what they put around each piece


def stall(tunnel, address, port):
    """A visitor with a small receive buffer that asks for much and never reads."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect((address, port))
    sock.sendall(tunnel.request("GET", "/big.bin"))
    return sock


def rss_bytes(process):
    for line in open(f"/proc/{process.popen.pid}/status"):
        if line.startswith("VmRSS"):
            return int(line.split()[1]) * 1024
    raise AssertionError


def cpu_ticks(process):
    fields = open(f"/proc/{process.popen.pid}/stat").read().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def is_settled(process):
    """It has given everybody as much as it is going to."""
    before = cpu_ticks(process)
    time.sleep(0.7)
    return cpu_ticks(process) - before <= 1


def seconds_of_a_request(lab, tunnel, port):
    started_at = time.monotonic()
    with lab.visit(port) as visitor:
        visitor.send(tunnel.request("GET", "/small.txt", "Connection: close"))
        head, body = visitor.read_response()
        assert head.status == 200 and body == b"small"
    return time.monotonic() - started_at


@pytest.mark.limit(150)
@pytest.mark.parametrize("kind", ["http", "tcp"])
@pytest.mark.parametrize("count", [pytest.param(300, id="quick"),
                                   pytest.param(1000, id="long", marks=pytest.mark.long)])
def test_memory_and_a_fresh_visitor(lab, kind, count):
    lab.env["ASAN_OPTIONS"] += ":quarantine_size_mb=16"  # what it keeps of freed memory: 256
    # Else the kernel alone holds gigabytes for them here, and drops packets when that is too much.
    nginx = lab.nginx(listen="sndbuf=64k")
    with (nginx.www / "big.bin").open("wb") as file:
        file.truncate(256 * MB)
    (nginx.www / "small.txt").write_bytes(b"small")
    target = nginx.target if kind == "http" else f"tcp://127.0.0.1:{nginx.port}"
    tunnel = getattr(lab, kind)(target)
    port = lab.the_relay.port if kind == "http" else tunnel.port
    visitors = []
    try:
        for _ in range(count):
            visitors.append(stall(tunnel, "127.0.0.1", port))
        lab.eventually(lambda: all(is_settled(p) for p in (lab.the_relay, tunnel.agent)), 40)
        for process in (lab.the_relay, tunnel.agent):
            bound = LINK_BUDGET + count * PER_VISITOR + 32 * MB
            assert rss_bytes(process) < bound * OVERHEAD, process.name
        times = [seconds_of_a_request(lab, tunnel, port) for _ in range(20)]
        assert statistics.median(times) < 0.05 and max(times) < 0.5, times
        assert not tunnel.agent.events("link", state="down")
    finally:
        for visitor in visitors:
            visitor.close()
    lab.eventually(lambda: lab.the_relay.descriptor_count() < 60)
