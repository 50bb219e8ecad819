"""--json tells each loss of the link and each return, with the reason."""

import time


def test_up_and_down(lab):
    cutter = lab.cutter()
    tunnel = lab.tcp(lab.origin(lambda wire: wire.read_to_end()), relay=cutter)
    cutter.cut()
    tunnel.agent.wait_event("link", state="down")
    lab.eventually(lambda: len(tunnel.agent.events("link", state="up")) == 2)
    up, down, again = tunnel.agent.events("link")
    assert (up["state"], down["state"], again["state"]) == ("up", "down", "up")
    for event in (up, again):
        assert event["carrier"] == "tls" and event["rtt_ms"] >= 0
        assert event["relay"] == cutter.url()
    assert down["reason"] == "connection reset"
    assert [e["event"] for e in tunnel.agent.events()][:2] == ["tunnel", "link"]


def test_a_relay_that_is_not_there_is_told_once(lab):
    tunnel = lab.tcp(lab.origin(lambda wire: wire.read_to_end()))
    lab.the_relay.kill()
    tunnel.agent.wait_line("connection refused")
    time.sleep(2)  # further attempts
    reasons = [e["reason"] for e in tunnel.agent.events("link", state="down")]
    assert len(reasons) == len(set(reasons)), reasons
