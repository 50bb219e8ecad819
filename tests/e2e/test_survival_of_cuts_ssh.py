"""A person at a terminal does not notice that the agent's connection was cut, again and again."""

import os
import pty
import re
import signal
import time

import pytest


def read_until(fd, pattern, seconds=60):
    """What the terminal shows, until the pattern is seen."""
    seen, deadline = b"", time.monotonic() + seconds
    while not re.search(pattern, seen):
        assert time.monotonic() < deadline, seen
        seen += os.read(fd, 4096)
    return seen


def work_through_a_cut(terminal, cutter, n):
    """Twenty thousand lines, all of them, in their order."""
    os.write(terminal, b"seq 1 20000; echo $((%d * 1000 + 1))\n" % n)
    if n % 2:
        time.sleep(0.02)  # in the middle of the output
    cutter.cut()
    seen = read_until(terminal, b"\\b20000\\r\\n.*\\b%d\\b" % (n * 1000 + 1))
    lines = re.findall(rb"^(\d+)\r$", seen, re.M)[:20000]
    assert lines == [b"%d" % i for i in range(1, 20001)]


@pytest.mark.parametrize("cuts", [4, pytest.param(10, marks=[pytest.mark.long,
                                                             pytest.mark.limit(300)])])
def test_an_ssh_session(lab, cuts):
    sshd = lab.sshd()
    cutter = lab.cutter()
    tunnel = lab.tcp(sshd, relay=cutter)
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp("ssh", ["ssh", *map(str, sshd.client_options()), "-p", str(tunnel.port),
                          sshd.address(), "-t", "exec sh -i"])
    try:
        os.write(terminal, b"stty -echo; PS1=; tty\n")
        read_until(terminal, rb"/dev/pts/\d+\r\n")
        for n in range(cuts):
            lab.eventually(lambda: len(tunnel.agent.events("link", state="up")) == n + 1, 40)
            work_through_a_cut(terminal, cutter, n)
        os.write(terminal, b"exit 7\n")
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
        pid = None
    finally:
        if pid:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        os.close(terminal)
