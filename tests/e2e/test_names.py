"""Who gets which name, and who keeps it."""

import re
import signal

from support.wire import answer, http_origin


def saying(lab, word):
    return lab.origin(http_origin(lambda wire, head: wire.send(answer(word))))


def test_two_words_the_same_again(lab):
    origin = saying(lab, b"x")
    first = lab.http(origin)
    assert re.fullmatch(r"[a-z]+-[a-z]+(-[a-z0-9]+)?", first.name)
    first.agent.stop()
    again = lab.http(origin, token=first.agent.token, state=first.agent.state)
    assert again.name == first.name


def test_a_name_of_another_token_is_refused_naming_it(lab):
    relay = lab.relay()
    lab.http("3000", "blog", relay=relay, token=lab.token(relay, "bob"))
    agent = lab.agent("http", "3000", "blog", relay=relay, token=lab.token(relay, "ann"))
    assert "blog belongs to token bob" in agent.wait_event("error")["what"]
    assert agent.wait_exit() == 1


def test_a_name_stays_reserved_after_its_agent_left(lab):
    relay = lab.relay()
    lab.http("3000", "blog", relay=relay, token=lab.token(relay, "bob")).agent.stop()
    relay.stop()
    relay = lab.restart(relay)
    agent = lab.agent("http", "3000", "blog", relay=relay, token=lab.token(relay, "ann"))
    assert "bob" in agent.wait_event("error")["what"]


def test_a_killed_agent_is_taken_over_at_once(lab):
    first = lab.http(saying(lab, b"first"), "blog")
    first.agent.signal(signal.SIGSTOP)  # its connection stays open and silent
    second = lab.http(saying(lab, b"second"), "blog", token=first.agent.token,
                      state=first.agent.state)
    assert lab.curl(second.url).body == b"second"
    first.agent.kill()


def test_another_agent_of_the_same_token_is_refused_unless_both_share(lab):
    relay = lab.relay()
    token = lab.token(relay, "t")
    lab.http(saying(lab, b"1"), "blog", relay=relay, token=token)
    other = lab.agent("http", "3000", "blog", relay=relay, token=token)
    assert other.wait_event("error")["what"]
    assert other.wait_exit() == 1


def test_shared_names_are_served_by_both(lab):
    relay = lab.relay()
    token = lab.token(relay, "t")
    web = lab.http(saying(lab, b"1"), "blog", "--share", relay=relay, token=token)
    lab.http(saying(lab, b"2"), "blog", "--share", relay=relay, token=token)
    assert {lab.curl(web.url).body for _ in range(20)} == {b"1", b"2"}
