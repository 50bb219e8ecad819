"""The promises: for each what is measured, where we refuse to ship, and what we aim at."""

from dataclasses import dataclass
from typing import Optional

from parts.alone import AGENT, AGENT_PARTS, ENGINE, WHOLE

TCP_HOPS, HTTP_HOPS, HTTP_HOP = "haproxy tcp x 2", "haproxy http x 2", "haproxy http"


@dataclass
class Target:
    row: str
    value: Optional[float]    # by rate, or the only figure there is
    floor: float
    aim: float
    per_cpu: Optional[float] = None  # the same ratio of what a CPU second brings
    unit: str = "x"
    less_is_better: bool = False

    def verdict(self, value):
        if value is None:
            return "not measured"
        floor, aim = self.floor, self.aim
        if self.less_is_better:
            value, floor, aim = -value, -floor, -aim
        if value >= aim:
            return "aim reached"
        return "ships" if value >= floor else "**missed**"

    def cells(self, is_quiet):
        sign = "<= " if self.less_is_better else ">= "
        judged = self.value if is_quiet or self.per_cpu is None else self.per_cpu
        return [self.row, self.show(self.value), self.show(self.per_cpu), f"{sign}{self.floor:g}",
                f"{sign}{self.aim:g}", self.verdict(judged)]

    def show(self, value):
        if value is None:
            return "-"
        return f"{value:.2f} x" if self.unit == "x" else f"{value:,.1f} {self.unit}"


def targets(alone, median):
    """All of them; median(key, name, field) is None where nothing was measured."""
    def over(title, key, ours, other, floor, aim):
        ratios = [mine / theirs if mine and theirs else None
                  for mine, theirs in ((median(key, ours, field), median(key, other, field))
                                       for field in ("value", "per_cpu"))]
        return Target(f"{title}, {ours} / {other}", ratios[0], floor, aim, ratios[1])

    for carrier in ("tls", "wss"):
        http, tcp = f"adit http, {carrier}", f"adit tcp, {carrier}"
        yield over("1 KiB", "1k", tcp, TCP_HOPS, 1.25, 1.45)
        yield over("1 KiB", "1k", http, HTTP_HOPS, 1.25, 1.7)
        yield over("1 KiB", "1k", http, "direct", 0.35, 0.35)
        yield over("1 KiB", "1k", http, HTTP_HOP, 0, 0.9)
    http = "adit http, tls"
    for ours in (http, "adit tcp, tls"):
        yield over("100 KiB", "100k", ours, HTTP_HOPS, 0.9, 1.15)
    yield over("new connections", "close", http, HTTP_HOPS, 1, 1)
    yield over("new connections", "close", http, HTTP_HOP, 0, 0.9)
    for key, title in (("down1", "one stream down"), ("up1", "one stream up")):
        yield over(title, key, "adit tcp, tls", "direct", 0.22, 0.27)
        yield over(title, key, "adit tcp, tcp", "direct", 0.36, 0.45)
    yield from latency_targets(median)
    yield from memory_targets(alone)


def latency_targets(median):
    def both(first, second, field):
        found = median(*first, field), median(*second, field)
        return found if all(found) else None

    for field, title, most in (("value", "p50", 45), ("p99", "p99", 100)):
        found = both(("ping", "adit tcp, tls"), ("ping", "direct"), field)
        yield Target(f"ping-pong {title} above direct", found and found[0] - found[1], most, most,
                     unit="us", less_is_better=True)
    found = both(("beside", "adit tcp, tls"), ("keys", "adit tcp, tls"), "p99")
    yield Target("keystroke p99 beside bulk / idle", found and found[0] / found[1], 5, 2,
                 less_is_better=True)


def memory_targets(alone):
    def kib(*names):
        return sum(alone[n] for n in names) / 1024 if all(n in alone for n in names) else None

    for kind in ("http", "tcp"):
        yield Target(f"memory per idle agent with one {kind} tunnel, relay and kernel",
                     kib(*(AGENT.format(kind, part) for part in AGENT_PARTS[:2])), 32, 20,
                     unit="KiB", less_is_better=True)
    rss = kib("idle agent, RSS")
    yield Target("RSS of an idle agent", rss and rss / 1024, 8, 5, unit="MiB",
                 less_is_better=True)
    for name in (ENGINE, WHOLE.format("relay"), WHOLE.format("agent")):
        yield Target(name, alone.get(name), 384, 256, unit="bytes", less_is_better=True)
