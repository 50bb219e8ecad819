"""What this machine is, what it is doing, and what processes have cost."""

import os
import platform
import re
import resource
import subprocess
import time
from pathlib import Path

QUIET_IDLE = 0.8     # this share of all cores idle is a quiet moment
QUIET_WAIT_S = 0.4   # then measure all the same


def describe(top):
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    commit = subprocess.run(["git", "-C", top, "describe", "--always", "--dirty"],
                            capture_output=True, text=True, check=False).stdout.strip()
    congestion = Path("/proc/sys/net/ipv4/tcp_congestion_control").read_text().strip()
    return {"commit": commit or "unknown", "congestion control": congestion,
            "machine": f"{os.cpu_count()} x {cpu.group(1) if cpu else platform.machine()}, "
                       f"Linux {platform.release()}",
            "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())}


# -- quiet moments

def idle_share(seconds):
    def ticks():
        fields = [int(word) for word in Path("/proc/stat").read_text().split("\n")[0].split()[1:]]
        return sum(fields[:8]), fields[3] + fields[4]
    total, idle = ticks()
    time.sleep(seconds)
    total_after, idle_after = ticks()
    return (idle_after - idle) / max(total_after - total, 1)


def wait_until_quiet():
    """False if others were at work to the end."""
    deadline = time.monotonic() + QUIET_WAIT_S
    while time.monotonic() < deadline:
        if idle_share(0.1) >= QUIET_IDLE:
            return True
    return False


# -- processes

def family(processes):
    """The process ids of these and of all that descend from them."""
    children = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue  # it has just ended
        children.setdefault(parent, []).append(int(stat.parent.name))
    found = []
    waiting = [p.popen.pid for p in processes]
    while waiting:
        found.append(waiting.pop())
        waiting += children.get(found[-1], [])
    return found


def threads(processes):
    for pid in family(processes):
        try:
            yield from Path(f"/proc/{pid}/task").iterdir()
        except OSError:
            continue


def cpu_seconds(processes):
    """Of all their threads that still live."""
    return sum(int((t / "schedstat").read_text().split()[0]) for t in threads(processes)) / 1e9


def load_cpu_seconds():
    """Of the programs this one has started and seen end: wrk and load."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def pin(processes, cores):
    for thread in threads(processes):
        os.sched_setaffinity(int(thread.name), cores)


def rss_bytes(process):
    status = Path(f"/proc/{process.popen.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) * 1024


def slab_bytes():
    return int(re.search(r"Slab:\s+(\d+) kB", Path("/proc/meminfo").read_text()).group(1)) * 1024


def pin_self(cores):
    """This program, and so the load that it starts."""
    os.sched_setaffinity(0, cores)
