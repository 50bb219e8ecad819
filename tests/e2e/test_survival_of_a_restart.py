"""Agents come back by themselves."""

import signal

from support.wire import answer, http_origin


def test_the_url_works_again_after_a_relay_restart(lab):
    web = lab.http(lab.origin(http_origin(lambda wire, head: wire.send(answer(b"back")))))
    relay = lab.the_relay
    for how in (signal.SIGTERM, signal.SIGKILL):
        relay.signal(how)
        relay.wait_exit()
        relay = lab.restart(relay)
        lab.eventually(lambda: lab.curl(web.url, check=False).body == b"back")


def test_a_frozen_relay_is_noticed_and_found_again(lab):
    web = lab.http(lab.origin(http_origin(lambda wire, head: wire.send(answer(b"back")))))
    lab.the_relay.signal(signal.SIGSTOP)
    web.agent.wait_event("link", seconds=25, state="down")
    lab.the_relay.signal(signal.SIGCONT)
    lab.eventually(lambda: lab.curl(web.url, check=False).body == b"back", 40)
