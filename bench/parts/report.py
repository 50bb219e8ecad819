"""Turns samples into tables: one for each row and security, and the table of targets."""

import statistics

from parts.targets import targets

AHEAD = 1.05  # a ratio of medians above this is called ahead


def samples_of(results, key, name, field="value"):
    return [s[field] for s in results["rows"].get(key, {}).get(name, []) if field in s]


def median(results, key, name, field="value"):
    found = samples_of(results, key, name, field)
    return statistics.median(found) if found else None


def amount(value):
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def ratio(value, other):
    return f"{value / other:.2f}" if value and other else "-"


def spread(values):
    return f"{min(values):.3g}..{max(values):.3g}" if max(values) < 100 else \
        f"{min(values):,.0f}..{max(values):,.0f}"


# -- one row

def cells(row, results, name):
    values = samples_of(results, row.key, name)
    if not values:
        return [name, "failed"] + [""] * (4 if row.is_latency else 6)
    middle = statistics.median(values)
    direct = median(results, row.key, "direct")
    two_hops = median(results, row.key, "haproxy tcp x 2")
    if row.is_latency:
        p99 = median(results, row.key, name, "p99")
        above = "" if name == "direct" else f"+{middle - direct:,.0f}"
        p99_above = "" if name == "direct" else \
            f"{p99 - median(results, row.key, 'direct', 'p99'):+,.0f}"
        return [name, amount(middle), spread(values), above, amount(p99), p99_above]
    cpu = median(results, row.key, name, "cpu_us")
    per_cpu = median(results, row.key, name, "per_cpu")
    return [name, amount(middle), spread(values), ratio(middle, direct), ratio(middle, two_hops),
            amount(per_cpu), ratio(per_cpu, median(results, row.key, "haproxy tcp x 2", "per_cpu")),
            amount(cpu / 1e6 if row.unit == "GB/s" and cpu else cpu)]


def table(head, lines):
    yield "| " + " | ".join(head) + " |"
    yield "|---" + "|---:" * (len(head) - 1) + "|"
    for line in lines:
        yield "| " + " | ".join(line) + " |"


def show_row(row, results):
    found = results["rows"][row.key]
    if row.is_latency:
        head = ["p50, us", "spread of p50", "above direct", "p99, us", "above direct"]
    else:
        cpu = "s/GB" if row.unit == "GB/s" else "us/request"
        head = [row.unit, "spread", "x direct", "x two TCP hops",
                "per CPU s of all", "x two TCP hops", f"{cpu} of its own"]
    yield f"\n### {row.title}\n"
    for security, title in (("plain", "plain"), ("tls", "encrypted")):
        names = [n for n in found if results["security"][n] == security or n == "direct"]
        yield from table([title, *head], [cells(row, results, name) for name in names])
        yield ""


def show_alone(results):
    yield "\n### adit by itself\n"
    lines = [[name, f"{value:,.1f}" if name.endswith("ms") else f"{value:,.0f}"]
             for name, value in results["alone"].items()]
    yield from table(["", "bytes, or ms"], lines)


def show_crowds(results):
    yield "\n### Many agents and names on one relay, one worker, over TLS\n"
    yield ("A bind of an agent's only name includes its TLS handshake and login; where an agent "
           "has 1,000, that is small beside them. A lookup is a whole request that the relay "
           "answers itself, for a path that the name's tunnel does not serve. All agents are on "
           "this machine, too: milliseconds include their work.\n")
    head = ["agents", "names bound", "ms each", "relay's CPU each, us",
            "request to one name, relay's CPU, us", "to any of them, us",
            "relay's CPU while all are idle"]
    yield from table(head, [[f"{c['agents']:,}", f"{c['names']:,}", f"{c['bind_ms']:.2f}",
                             amount(c["bind_cpu_us"]), amount(c["one_cpu_us"]),
                             amount(c["any_cpu_us"]), f"{c['idle_cpu']:.1%}"]
                            for c in results["crowds"]])


# -- the whole

def verdict_is_by(results):
    """Which field of a sample can be believed."""
    return "value" if quiet_share(results) > 0.5 else "per_cpu"


def show_targets(results):
    yield "\n## Targets\n"
    is_quiet = verdict_is_by(results) == "value"
    yield ("The verdict is by " + ("rate" if is_quiet else "what a CPU second brings, because the "
           "machine was in use by others and rates say little; latencies are as disturbed as "
           "rates, and have no such second figure") + ".\n")
    lines = [target.cells(is_quiet)
             for target in targets(results["alone"], lambda *what: median(results, *what))]
    yield from table(["row", "by rate", "by CPU second", "refuse to ship", "aim", "verdict"], lines)


PEERS = ("ssh -R", "rathole", "bore")


def show_peers(results):
    """Where adit leads, and where it does not, among the same security."""
    yield "\n## Beside the peers\n"
    yield (f"\"Ahead\" is a ratio of medians above {AHEAD}, \"behind\" one below its inverse. "
           "Of latencies it is peer / adit.\n")
    lines = []
    for key, found in results["rows"].items():
        for security, ours in (("plain", "adit tcp, tcp"), ("tls", "adit tcp, tls")):
            lines += [beside(results, key, ours, name) for name in found
                      if results["security"][name] == security and name.split(",")[0] in PEERS]
    yield from table(["row", "adit", "peer", "by rate, or p99", "by CPU second", "verdict"], lines)


def beside(results, key, ours, name):
    def lead(field):
        mine, theirs = median(results, key, ours, field), median(results, key, name, field)
        if not mine or not theirs:
            return None
        return theirs / mine if field == "p99" else mine / theirs

    leads = [lead("p99") or lead("value"), lead("per_cpu")]
    judged = leads[1] if leads[1] and verdict_is_by(results) == "per_cpu" else leads[0]
    verdict = "failed" if not judged else "ahead" if judged > AHEAD else \
        "behind" if judged < 1 / AHEAD else "equal"
    return [key, ours, name, *(f"{x:.2f}" if x else "-" for x in leads), verdict]


def quiet_share(results):
    flags = [s["is_quiet"] for row in results["rows"].values() for samples in row.values()
             for s in samples]
    return sum(flags) / max(len(flags), 1)


def show(results, rows):
    facts = results["facts"]
    lines = ["# Results of bench/run", "",
             "Written by the program; do not edit. What the words mean is said there.", "",
             *(f"- {name}: {value}" for name, value in facts.items()),
             f"- median of {results['rounds']} interleaved rounds of {results['seconds']} s (raw "
             "TCP: half of that); all on loopback, load and origin share the cores",
             f"- {quiet_share(results):.0%} of the measurements began in a quiet moment; in the "
             "rest others used the machine: read the CPU columns beside every rate",
             f"- not available here: {', '.join(results['missing']) or 'none'}"]
    lines += show_targets(results)
    lines += show_peers(results)
    lines.append("\n## Rows")
    for row in rows:
        if row.key in results["rows"]:
            lines += show_row(row, results)
    lines += show_alone(results)
    lines += show_crowds(results)
    return "\n".join(lines) + "\n"
