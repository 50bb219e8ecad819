"""The release is built as SECURITY says: what is in the file, not what the build was asked for."""

import subprocess

import pytest

from support.lab import ADIT

RELEASE = ADIT.parent.name == "release"


def readelf(*options):
    return subprocess.run(["readelf", "-W", *options, ADIT], check=True, capture_output=True,
                          text=True).stdout


@pytest.mark.skipif(not RELEASE, reason="of the release only")
def test_the_binary_is_hardened():
    assert "DYN (Position-Independent Executable" in readelf("-h")
    segments = readelf("-l")
    stack = next(line for line in segments.splitlines() if "GNU_STACK" in line)
    assert " RW " in stack and "RWE" not in stack
    assert "GNU_RELRO" in segments
    dynamic = readelf("-d")
    assert "BIND_NOW" in dynamic and "TEXTREL" not in dynamic
    assert "RPATH" not in dynamic and "RUNPATH" not in dynamic
    symbols = readelf("--dyn-syms")
    assert "__stack_chk_fail" in symbols
    assert "__memcpy_chk" in symbols or "__snprintf_chk" in symbols  # fortified
    for name in (" gets@", " strcpy@", " sprintf@", " system@", " popen@", " mktemp@"):
        assert name not in symbols, name


@pytest.mark.skipif(not RELEASE, reason="of the release only")
def test_no_memory_is_writable_and_executable(lab):
    relay = lab.relay()
    for line in open(f"/proc/{relay.popen.pid}/maps"):
        assert "wx" not in line.split()[1], line
