"""The rows that compare: what each measures of one contender, once.

A sample is a dict: `value` (the row's figure), `units` (how many requests or GB its CPU time is
spread over; none for latency), and for latency `p99` beside the median in `value`. bench/run adds
`cpu_us` (of the contender's processes, for a unit) and `per_cpu` (units for each CPU second of all
who take part: contender, origin and load). On a machine whose cores are all busy with nothing else
`value` is `per_cpu` times the cores; on a machine that others use too only `per_cpu` can be
compared.
"""

import os
import re
import subprocess

CONNECTIONS = 64
LATENCY_GAP_MS = 2


class Row:
    def __init__(self, key, title, unit, measure, raw=False, pinned=False):
        self.key = key
        self.title = title
        self.unit = unit
        self.measure = measure  # (contender, seconds) -> sample
        self.raw = raw          # needs a way for raw TCP
        self.pinned = pinned    # everything on one core

    @property
    def is_latency(self):
        return self.unit == "us"

    def takes(self, contender):
        return contender.raw_port or not self.raw


def run(command):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          check=True, timeout=60).stdout


def requests(path, *options):
    def measure(contender, seconds):
        said = run(["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s",
                    "-H", f"Host: {contender.host}", *options, contender.url(path)])
        errors = re.search(r"Non-2xx.*|Socket errors.*", said)
        if errors and not re.search(r"connect 0, read \d+, write 0, timeout 0", errors.group()):
            raise ValueError(errors.group())
        return {"value": float(re.search(r"Requests/sec:\s+([\d.]+)", said).group(1)),
                "units": int(re.search(r"(\d+) requests in", said).group(1))}
    return measure


def rows(load):
    def bulk(way, streams):
        def measure(contender, seconds):
            said = run([load, "bulk", contender.raw_port, way, streams, seconds * 500])
            return dict(zip(("value", "units"), map(float, said.split())))
        return measure

    def ping(*options):
        def measure(contender, seconds):
            p50, p99 = run([load, "ping", contender.raw_port, seconds * 500, *options]).split()
            return {"value": float(p50), "p99": float(p99)}
        return measure

    return [
        Row("1k", f"1 KiB, {CONNECTIONS} kept connections", "requests/s", requests("1k")),
        Row("100k", f"100 KiB, {CONNECTIONS} kept connections", "requests/s", requests("100k")),
        Row("close", "1 KiB, a new connection for each request", "requests/s",
            requests("1k", "-H", "Connection: close")),
        Row("down1", "bulk, one stream down", "GB/s", bulk("down", 1), raw=True),
        Row("up1", "bulk, one stream up", "GB/s", bulk("up", 1), raw=True),
        Row("down8", "bulk, eight streams down", "GB/s", bulk("down", 8), raw=True),
        Row("up8", "bulk, eight streams up", "GB/s", bulk("up", 8), raw=True),
        Row("ping", "64-byte ping-pong, everything on one core", "us", ping(), raw=True,
            pinned=True),
        Row("keys", "keystrokes on an idle line", "us", ping(LATENCY_GAP_MS), raw=True),
        Row("beside", "keystrokes beside a download at full rate", "us",
            ping(LATENCY_GAP_MS, "beside"), raw=True),
    ]


def all_cores():
    return range(os.cpu_count())
