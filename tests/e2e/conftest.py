"""Fixtures of the end-to-end tests: `lab` (support/lab.py) gives a test its own world, ends it
afterwards and shows every log if the test failed; `web` and `token` are somebody to protect and
somebody to protect from."""

import signal
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from support.lab import ADIT, Lab  # noqa: E402  (needs the path above)
from support.wire import answer, http_origin  # noqa: E402


def pytest_collection_modifyitems(items):
    if not ADIT.exists():
        pytest.exit(f"{ADIT} is not there: build it (make build) or set ADIT_BIN", returncode=2)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    report = (yield).get_result()
    if report.when == "call":
        item.has_failed = report.failed
    lab = item.funcargs.get("lab") if hasattr(item, "funcargs") else None
    if report.failed and lab:
        report.sections += [(f"log of {name}", text) for name, text in lab.logs()]
        report.sections.append(("folder", str(lab.folder)))


@pytest.fixture(autouse=True)
def time_limit(request):
    """A test that hangs fails, and says where it hung."""
    marker = request.node.get_closest_marker("limit")
    seconds = marker.args[0] if marker else 60

    def on_alarm(_signal, _frame):
        raise TimeoutError(f"the test took longer than {seconds} s")

    signal.signal(signal.SIGALRM, on_alarm)
    signal.alarm(seconds)
    yield
    signal.alarm(0)


@pytest.fixture
def lab(request, time_limit):
    world = Lab()
    yield world
    wrong = world.close()
    has_failed = getattr(request.node, "has_failed", True)
    if not wrong and not has_failed:
        world.remove()
    if wrong and has_failed:
        print("also wrong:", *wrong, sep="\n  ")
    elif wrong:
        pytest.fail("; ".join(wrong), pytrace=False)


@pytest.fixture
def web(lab):
    """The tunnel of somebody else, that must go on answering."""
    tunnel = lab.http(lab.origin(http_origin(lambda wire, head: wire.send(answer()))))
    lab.the_relay.wait_line("tunnel bound")  # the last line there is about it
    return tunnel


@pytest.fixture
def token(lab, web):
    """Of an agent that means no good, at the same relay."""
    return lab.token(web.agent.relay, "villain")
