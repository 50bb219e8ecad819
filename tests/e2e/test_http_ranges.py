"""Byte ranges and conditional requests are between visitor and origin."""

from support.wire import random_bytes


def test_ranges_of_nginx(lab):
    nginx = lab.nginx()
    data = random_bytes(300_000)
    (nginx.www / "file.bin").write_bytes(data)
    url = lab.http(nginx).url + "/file.bin"

    part = lab.curl(url, "-r", "1000-100999")
    assert (part.status, part.body) == (206, data[1000:101_000])
    assert part.get("content-range") == "bytes 1000-100999/300000"
    assert lab.curl(url, "-r", "-5").body == data[-5:]

    parts = lab.curl(url, "-r", "0-0,299999-299999")
    assert parts.status == 206
    assert parts.get("content-type").startswith("multipart/byteranges")
    assert lab.curl(url, "-r", "300000-").status == 416


def test_not_modified(lab):
    nginx = lab.nginx()
    (nginx.www / "file.txt").write_bytes(b"same")
    url = lab.http(nginx).url + "/file.txt"
    etag = lab.curl(url).get("etag")
    assert lab.curl(url, "-H", f"If-None-Match: {etag}").status == 304


def test_a_download_is_resumed(lab):
    nginx = lab.nginx()
    data = random_bytes(200_000)
    (nginx.www / "file.bin").write_bytes(data)
    first = lab.curl(lab.http(nginx).url + "/file.bin", "-r", "0-99999").body
    rest = lab.curl(lab.http(nginx).url + "/file.bin", "-r", "100000-").body
    assert first + rest == data
