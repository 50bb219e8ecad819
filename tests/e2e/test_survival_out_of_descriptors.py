"""Out of descriptors: what is open goes on, nothing spins, and it is over when some are free."""

import os
import resource
import time

from support.wire import answer, http_origin


def echo(wire):
    while data := wire.read_some():
        wire.send(data)


def cpu_seconds(process):
    fields = open(f"/proc/{process.popen.pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def limit_descriptors(process, more):
    """Leaves it so many more than it has now."""
    count = process.descriptor_count() + more
    resource.prlimit(process.popen.pid, resource.RLIMIT_NOFILE, (count, count))


def check_it_idles(process, seconds=2):
    before = cpu_seconds(process)
    time.sleep(seconds)
    used = cpu_seconds(process) - before
    assert used < 0.1 * seconds, f"{process.name} used {used} s of CPU in {seconds} s"


def is_echoed(visitor):
    visitor.send(b"x")
    return visitor.read_exact(1) == b"x"


def knock(lab, tunnel):
    try:
        return [lab.visit(tunnel)]
    except ConnectionResetError:  # turned away before connect had returned
        return []


def crowd(lab, tunnel, count):
    """Visitors that stay; the relay may let some of them wait or turn them away."""
    visitors = [visitor for _ in range(count) for visitor in knock(lab, tunnel)]
    for visitor in visitors:
        visitor.sock.settimeout(5)
        try:
            visitor.send(b"hello")
        except OSError:
            pass
    return visitors


def works_again(lab, tunnel):
    def is_served():
        with lab.visit(tunnel) as visitor:
            visitor.sock.settimeout(2)
            return is_echoed(visitor)
    lab.eventually(is_served, 10)


def test_a_relay(lab):
    tunnel = lab.tcp(lab.origin(echo))
    first = lab.visit(tunnel)
    assert is_echoed(first)
    limit_descriptors(lab.the_relay, 20)
    visitors = crowd(lab, tunnel, 60)
    assert is_echoed(first)
    check_it_idles(lab.the_relay)
    assert is_echoed(first)
    for visitor in visitors:
        visitor.close()
    works_again(lab, tunnel)
    assert is_echoed(first)
    assert not tunnel.agent.events("link", state="down")


def test_an_agent(lab):
    tunnel = lab.tcp(lab.origin(echo))
    first = lab.visit(tunnel)
    assert is_echoed(first)
    limit_descriptors(tunnel.agent, 20)
    visitors = crowd(lab, tunnel, 60)
    assert is_echoed(first)
    check_it_idles(tunnel.agent)
    for visitor in visitors:
        visitor.close()
    works_again(lab, tunnel)
    assert is_echoed(first)
    assert not tunnel.agent.events("link", state="down")


def test_an_agent_that_cannot_dial_again_keeps_trying(lab):
    origin = lab.origin(http_origin(lambda wire, head: wire.send(answer(b"back"))))
    cutter = lab.cutter()
    web = lab.http(origin, relay=cutter)
    assert lab.get(web).body == b"back"
    had = web.agent.descriptor_count()
    resource.prlimit(web.agent.popen.pid, resource.RLIMIT_NOFILE, (had - 4, 4096))
    cutter.cut()
    web.agent.wait_event("link", state="down")
    check_it_idles(web.agent)
    resource.prlimit(web.agent.popen.pid, resource.RLIMIT_NOFILE, (4096, 4096))
    lab.eventually(lambda: lab.get(web, check=False).body == b"back", 20)
