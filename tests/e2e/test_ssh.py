"""OpenSSH through a tunnel: a person at a terminal, a big file, a forwarded port."""

import hashlib
import os
import pty
import re
import subprocess
import time

import pytest

from support.wire import connect, free_port, random_bytes


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_until(fd, pattern, seconds=15):
    """What the terminal shows, until the pattern is seen."""
    seen, deadline = b"", time.monotonic() + seconds
    while not re.search(pattern, seen):
        assert time.monotonic() < deadline, seen
        seen += os.read(fd, 4096)
    return seen


def test_an_interactive_session(lab):
    sshd = lab.sshd()
    tunnel = lab.tcp(sshd)
    command = ["ssh", *map(str, sshd.client_options()), "-p", str(tunnel.port), sshd.address(),
               "-t", "exec sh -i"]
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp("ssh", command)
    os.write(terminal, b"stty -echo; tty\n")
    read_until(terminal, rb"/dev/pts/\d+")
    for n in range(20):
        os.write(terminal, b"echo $((%d * 1000 + 1))\n" % n)
        read_until(terminal, b"\\b%d\\b" % (n * 1000 + 1))
    os.write(terminal, b"exit 7\n")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
    os.close(terminal)


@pytest.mark.limit(240)
def test_scp_of_a_gigabyte(lab):
    sshd = lab.sshd()
    tunnel = lab.tcp(sshd)
    sent, got = lab.folder / "sent", lab.folder / "got"
    block = random_bytes(1 << 20)
    with sent.open("wb") as file:
        for n in range(1024):
            file.write(n.to_bytes(8, "big") + block[8:])
    subprocess.run(["scp", "-q", *sshd.client_options(), "-P", str(tunnel.port), sent,
                    f"{sshd.address()}:{got}"], check=True, timeout=200)
    assert digest(sent) == digest(got)


def test_a_port_forwarded_inside_ssh(lab):
    sshd = lab.sshd()
    tunnel = lab.tcp(sshd)
    origin = lab.origin(lambda wire: wire.send(b"deep inside"))
    port = free_port()
    lab.run_beside("ssh", "-N", *sshd.client_options(), "-p", tunnel.port,
                   "-L", f"127.0.0.1:{port}:127.0.0.1:{origin.port}", sshd.address())
    lab.eventually(lambda: connect(port).read_to_end() == b"deep inside")
