"""A full disk under the data folder: who is there is served, who comes is let in, and what could not
be written is told and written later. A read-only one is named at the start."""

import os
import subprocess

import pytest

from support.wire import answer, free_port, http_origin


@pytest.fixture
def small_disk(lab):
    """A file system of 4 MiB below the lab's folder."""
    folder = lab.folder / "disk"
    folder.mkdir()
    if os.geteuid() != 0 or subprocess.call(["mount", "-t", "tmpfs", "-o", "size=4m", "none",
                                             folder], stderr=subprocess.DEVNULL) != 0:
        pytest.skip("mounting a small file system needs root")
    yield folder
    subprocess.call(["umount", "-l", folder])


def here(lab):
    return lab.origin(http_origin(lambda wire, head: wire.send(answer(b"here"))))


def fill(folder):
    fd = os.open(folder / "ballast", os.O_WRONLY | os.O_CREAT)
    try:
        while True:
            os.write(fd, bytes(1024))
    except OSError:
        os.close(fd)


def relay_on(lab, folder):
    relay = lab.relay("--data", folder / "data")
    relay.data = folder / "data"
    return relay


def check_it_serves(lab, relay, token):
    """A visitor, a new tunnel of a known token, and the operator."""
    web = lab.http(here(lab), relay=relay, token=token)
    assert lab.curl(web.url).body == b"here"
    assert lab.adit("status", "--data", relay.data).returncode == 0
    return web


def test_a_full_disk(lab, small_disk):
    relay = relay_on(lab, small_disk)
    token = lab.token(relay, "early")
    web = check_it_serves(lab, relay, token)
    fill(small_disk)
    assert lab.curl(web.url).body == b"here"
    check_it_serves(lab, relay, token)
    done = lab.adit("token", "create", "late", "--data", relay.data)
    late = done.stdout.strip()
    assert late and "not on disk" in done.stderr
    check_it_serves(lab, relay, late)

    (small_disk / "ballast").unlink()
    relay.wait_line("store is written again", 15)
    relay.kill()
    relay = relay_on(lab, small_disk)
    check_it_serves(lab, relay, late)


def test_a_read_only_disk_is_named_at_the_start(lab, small_disk):
    relay_on(lab, small_disk).stop()
    subprocess.check_call(["mount", "-o", "remount,ro", small_disk])
    for folder in ("data", "new"):
        done = lab.adit("relay", "--listen", f"127.0.0.1:{free_port()}",
                        "--data", small_disk / folder)
        assert done.returncode == 1
        assert folder in done.stderr and "ead-only" in done.stderr, done.stderr
