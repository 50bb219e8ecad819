"""`adit try`: relay and agent in one process, as `make run` starts it."""

from support.wire import answer, free_port, http_origin


def start(lab, *words):
    port = free_port()
    process = lab.start("try", *words, "--data", lab.folder / "data",
                        "--listen", f"127.0.0.1:{port}")
    return process, process.wait_line(r"^https?://\S+$").group()


def test_without_a_target_a_small_page_is_served(lab):
    process, url = start(lab)
    page = lab.curl(url)
    assert page.status == 200
    assert page.get("content-type").startswith("text/html")
    assert b"adit" in page.body
    process.wait_line(r"GET / .*200|GET .*200")


def test_with_a_target_it_is_published(lab):
    origin = lab.origin(http_origin(lambda wire, head: wire.send(answer(b"mine"))))
    _, url = start(lab, origin.target)
    assert lab.curl(url).body == b"mine"


def test_again_gives_the_same_url(lab):
    origin = lab.origin(http_origin(lambda wire, head: wire.send(answer())))
    port = free_port()
    urls = []
    for _ in range(2):
        process = lab.start("try", origin.target, "--data", lab.folder / "data",
                            "--listen", f"127.0.0.1:{port}")
        urls.append(process.wait_line(r"^https?://\S+$").group())
        assert process.stop() == 0
    assert urls[0] == urls[1]


def test_an_address_of_its_own_is_dialled_there(lab):
    port = free_port()
    process = lab.start("try", "--data", lab.folder / "data", "--listen", f"127.0.0.2:{port}")
    url = process.wait_line(r"^https?://\S+$").group()
    assert lab.curl(url, "--resolve", f"{url[7:]}:127.0.0.2").status == 200
