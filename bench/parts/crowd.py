"""Many names on one relay: what it costs to bind one, to look one up, and to let all be idle."""

import re
import subprocess
import time

from parts.machine import cpu_seconds

CROWDS = [(1000, 1), (10000, 1), (1, 1000), (10, 1000)]  # agents, names of each
AGENTS_OF_A_PROCESS = 5000  # they have two descriptors each
IDLE_S = 6                  # a link asks for a sign of life this often
LOOKUP_S = 1
END_S = 60                  # the kernel needs its time to close thousands of sockets
LOOKUP_CONNECTIONS = 16

# Any of the names, or always the first. The relay answers by itself: the tunnels serve /mine only.
LOOKUPS = """
local requests = {}

function init(args)
    for agent = 1, tonumber(args[2]) do
        for tunnel = 1, tonumber(args[3]) do
            local host = "a" .. agent .. "-t" .. tunnel .. ".localhost:" .. args[1]
            requests[#requests + 1] = "GET / HTTP/1.1\\r\\nHost: " .. host .. "\\r\\n\\r\\n"
        end
    end
end

function request()
    return requests[math.random(#requests)]
end
"""


def bind(lab, relay, programs, agents, names):
    """Seconds, CPU seconds of the relay, and the processes with the agents."""
    crowds, start, cpu = [], time.monotonic(), cpu_seconds([relay])
    for first in range(1, agents + 1, AGENTS_OF_A_PROCESS):
        last = min(first + AGENTS_OF_A_PROCESS - 1, agents)
        crowd = lab.run_beside(programs / "idle_agents", relay.url("tls"), relay.pin, "", first,
                               last, names, "http")
        lab.eventually(lambda: len(crowd.stdout()) >= (last - first + 1) * names, 300)
        crowds.append(crowd)
    return time.monotonic() - start, cpu_seconds([relay]) - cpu, crowds


def look_up(lab, relay, agents, names, idle):
    """Microseconds of the relay's CPU for a request that needs a lookup and nothing behind it;
    idle: the CPU seconds of each second that the relay needs anyhow."""
    script = lab.folder / "lookups.lua"
    script.write_text(LOOKUPS)
    cpu, start = cpu_seconds([relay]), time.monotonic()
    said = subprocess.run(["wrk", "-t1", f"-c{LOOKUP_CONNECTIONS}", f"-d{LOOKUP_S}s", "-s", script,
                           f"http://127.0.0.1:{relay.port}/", "--", str(relay.port), str(agents),
                           str(names)], capture_output=True, text=True, check=True, timeout=60)
    used = cpu_seconds([relay]) - cpu - idle * (time.monotonic() - start)
    return used * 1e6 / int(re.search(r"(\d+) requests in", said.stdout).group(1))


def idle_share(relay):
    cpu = cpu_seconds([relay])
    time.sleep(IDLE_S)
    return (cpu_seconds([relay]) - cpu) / IDLE_S


def measure(lab, programs, agents, names):
    relay = lab.relay("--workers", 1, "--log-level", "warn", "--open")
    took, cpu, crowds = bind(lab, relay, programs, agents, names)
    count = agents * names
    idle = idle_share(relay)
    look_up(lab, relay, agents, names, idle)  # not counted: fills caches
    found = {"agents": agents, "names": count, "bind_ms": took * 1e3 / count,
             "bind_cpu_us": cpu * 1e6 / count, "idle_cpu": idle,
             "one_cpu_us": look_up(lab, relay, 1, 1, idle),
             "any_cpu_us": look_up(lab, relay, agents, names, idle)}
    for crowd in crowds:
        crowd.popen.kill()
    for crowd in crowds:
        crowd.wait_exit(END_S)
    relay.stop()
    return found


def bind_and_look_up(lab, programs):
    return [measure(lab, programs, *crowd) for crowd in CROWDS]
