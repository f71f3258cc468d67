import io
import re
import socket
import threading
import time
import urllib.error
import urllib.request

import numpy as np
import pytest
from browser import browser
from browser import complaints
from browser import needs_browser
from browser import overflow
from made_films import scene
from PIL import Image

from priv_keras.films import preview


def test_the_newest_frame_is_shown_and_the_end_is_one():
    with preview.Preview() as window:
        assert window.url.startswith("http://127.0.0.1:")
        page = urllib.request.urlopen(window.url, timeout=10)
        assert b'<img src="frames"' in page.read()
        window.show(scene(1))
        window.show(scene(9))
        frames = urllib.request.urlopen(window.url + "frames", timeout=10)
        assert frames.headers["Content-Type"].startswith("multipart/x-mixed")
        assert frames.readline() == b"--frame\r\n"
        frames.readline()
        length = int(frames.readline().split(b": ")[1])
        frames.readline()
        found = np.asarray(Image.open(io.BytesIO(frames.read(length))))
        assert np.abs(found.astype(int) - scene(9)).mean() < 6
    assert frames.read() == b"\r\n"


def test_events_tell_the_count_the_rate_the_size_and_the_end():
    with preview.Preview() as window:
        for i in range(11):
            window.show(scene(i))
            time.sleep(0.02)
        events = urllib.request.urlopen(window.url + "events", timeout=10)
        assert events.headers["Content-Type"] == "text/event-stream"
        events.readline(), events.readline()
        first = events.readline().decode()
        assert '"count": 11, ' in first
        assert '"size": [64, 48], "ended": false' in first
        assert 2 < float(re.search(r'"rate": ([\d.]+)', first)[1]) <= 50
    assert b'"ended": true' in events.read()


def test_events_tell_what_is_dropped():
    with preview.Preview() as window:
        window.show(scene(1), ["audio (aac)", "2 faults, the last: a gap"])
    events = window.newest(0)[1]
    assert events.missing == ["audio (aac)", "2 faults, the last: a gap"]


def test_a_port_that_is_taken_is_an_error():
    with preview.Preview() as window:
        port = int(window.url.split(":")[2].split("/")[0])
        with pytest.raises(OSError, match="in use"):
            preview.Preview(port)


def answer(window, path=None, method="GET", host=None, headers=()):
    """Sends a request, and returns the status, headers and body."""
    _, _, address, own = window.url.split("/", 3)
    host = [address] if host is None else host
    lines = [
        f"{method} {'/' + own if path is None else path} HTTP/1.1",
        *(f"Host: {name}" for name in host),
        *headers,
    ]
    with socket.create_connection(address.split(":"), timeout=10) as line:
        line.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        reply = b"".join(iter(lambda: line.recv(65536), b""))
    head, _, body = reply.partition(b"\r\n\r\n")
    status, *found = head.decode().split("\r\n")
    return int(status.split()[1]), dict(f.split(": ", 1) for f in found), body


@pytest.fixture
def window():
    with preview.Preview() as made:
        made.show(scene(1))
        yield made


def port_of(window):
    return window.url.split(":")[2].split("/")[0]


def test_only_an_address_with_the_token_is_answered(window):
    token = window.url.split("/")[3]
    assert len(token) >= 40
    swapped = token[:-1] + ("B" if token[-1] != "B" else "C")
    for path in (
        "/",
        "/frames",
        "/events",
        "//",
        "/%2e%2e/",
        "/index.html",
        f"/{swapped}/",
        f"/{swapped}/frames",
        f"/{token}",
        f"/{token[:-1]}/",
        f"/{token}x/",
        f"/{token}/other",
        f"/{token}/../etc/passwd",
        "/é/",
        f"/?{token}",
        f"/{token}//",
        f"/x/{token}/",
        f"http://a/{token}/",
        f"/{token.upper()}/",
        f"/{token}/frames/",
        f"/{token}%00/",
    ):
        status, headers, body = answer(window, path)
        assert status == 404, path
        assert body == b""
        assert not {"Server", "Date", "Content-Type"} & headers.keys()


def test_tokens_differ():
    with preview.Preview() as one, preview.Preview() as other:
        assert one.url.split("/")[3] != other.url.split("/")[3]


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "[::1]"])
def test_names_of_this_machine_are_answered(window, name):
    assert answer(window, host=[f"{name}:{port_of(window)}"])[0] == 200


@pytest.mark.parametrize(
    "name",
    [
        "evil.example:{}",
        "evil.example",
        "127.0.0.1",
        "localhost",
        "",
        "127.0.0.1:1",
        "127.0.0.1.evil.example:{}",
        "localhost.:{}",
        "user@127.0.0.1:{}",
        "0.0.0.0:{}",
        "127.1:{}",
        "127.0.0.1:{} x",
    ],
)
def test_other_names_of_this_machine_are_not(window, name):
    # A foreign site can let its own name resolve to this machine.
    for path in (None, "/"):
        host = [name.format(port_of(window))]
        status, _, body = answer(window, path, host=host)
        assert (status, body) == (403, b"")


def test_a_request_has_one_host(window):
    good = f"127.0.0.1:{port_of(window)}"
    for host in ([], [good, good], [good, "evil.example"]):
        assert answer(window, host=host)[0] == 403


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("Sec-Fetch-Site: none", 200),
        ("Sec-Fetch-Site: same-origin", 200),
        ("Sec-Fetch-Site: same-site", 403),
        ("Sec-Fetch-Site: cross-site", 403),
        ("Origin: http://127.0.0.1:{}", 200),
        ("Origin: https://127.0.0.1:{}", 403),
        ("Origin: http://127.0.0.1", 403),
        ("Origin: http://evil.example", 403),
        ("Origin: null", 403),
    ],
)
def test_other_pages_are_refused(window, header, status):
    found = answer(window, headers=[header.format(port_of(window))])
    assert found[0] == status
    assert (found[2] == b"") == (status == 403)


@pytest.mark.parametrize(
    "method", ["POST", "PUT", "HEAD", "DELETE", "OPTIONS", "TRACE", "CONNECT"]
)
def test_other_methods_are_refused(window, method):
    status, _, body = answer(window, method=method)
    assert (status, body) == (501, b"")


@pytest.mark.parametrize("path", [None, "/", "/frames"])
def test_nothing_is_kept_or_told_to_others(window, path):
    _, headers, _ = answer(window, path)
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "Access-Control-Allow-Origin" not in headers


def test_the_page_may_load_what_is_its_own_alone(window):
    _, headers, body = answer(window)
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    (nonce,) = set(re.findall(r"'nonce-([\w-]+)'", policy))
    assert body.count(f'nonce="{nonce}"'.encode()) == 2
    assert nonce not in answer(window)[1]["Content-Security-Policy"]
    assert not re.search(rb"https?://|//\w", body.replace(b"  // or", b""))


def test_a_browser_that_takes_nothing_is_given_up(monkeypatch):
    monkeypatch.setattr(preview._Handler, "timeout", 0.5)
    noise = np.random.default_rng(0).integers(0, 256, (1200, 1600, 3), "uint8")
    with preview.Preview() as window:
        _, _, address, path = window.url.split("/", 3)
        line = socket.create_connection(address.split(":"), timeout=20)
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.sendall(
            f"GET /{path}frames HTTP/1.1\r\nHost: {address}\r\n\r\n".encode()
        )
        for _ in range(40):  # more than the kernel buffers
            window.show(noise)
            if free(window) == preview.MAX_CLIENTS:
                break
            time.sleep(0.1)
        assert free(window) == preview.MAX_CLIENTS
        line.close()


def free(window):
    return window._server._free._value


def test_a_browser_that_asks_nothing_is_given_up(monkeypatch, capfd):
    monkeypatch.setattr(preview._Handler, "timeout", 0.2)
    with preview.Preview() as window:
        address = window.url.split("/")[2].split(":")
        with socket.create_connection(address, timeout=20) as line:
            line.sendall(b"GET /")
            assert line.recv(100) == b""
    assert capfd.readouterr() == ("", "")


def test_so_many_browsers_and_no_more(window, monkeypatch):
    address = window.url.split("/")[2].split(":")
    lines = [
        socket.create_connection(address, timeout=20)
        for _ in range(preview.MAX_CLIENTS)
    ]
    while free(window):  # until all are accepted
        time.sleep(0.01)
    with socket.create_connection(address, timeout=20) as one_more:
        assert one_more.recv(100) == b""
    for line in lines:
        line.close()
    while free(window) < preview.MAX_CLIENTS:
        time.sleep(0.01)
    assert answer(window)[0] == 200


def test_a_browser_that_has_left_is_noticed_without_frames(window):
    frames = urllib.request.urlopen(window.url + "frames", timeout=10)
    frames.readline()
    assert free(window) == preview.MAX_CLIENTS - 1
    frames.close()
    for _ in range(100):
        if free(window) == preview.MAX_CLIENTS:
            return
        time.sleep(0.1)
    pytest.fail("the connection is still there")


def test_nothing_is_printed(window, capfd):
    for path in (None, "/", "/frames"):
        answer(window, path)
    answer(window, method="POST")
    assert capfd.readouterr() == ("", "")


SCREENSHOTS = "preview-screenshots"


def text_of(driver, name):
    return driver.execute_script(
        f"return document.getElementById('{name}').textContent"
    )


def wait_for_status(driver, text):
    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(driver, 20).until(lambda _: text_of(driver, "status") == text)


class Film(threading.Thread):
    """Shows a frame 25 times a second until `stopped` is set."""

    def __init__(self, window):
        super().__init__(daemon=True)
        self.window, self.stopped = window, threading.Event()
        self.start()

    def run(self):
        for i in range(10_000):
            self.window.show(scene(i % 60, (160, 120)))
            if self.stopped.wait(0.04):
                return


@needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(390, 844), (1280, 800)])
def test_the_page_is_for_phones_desks_day_and_night(
    width, height, scheme, tmp_path_factory
):
    shots = tmp_path_factory.getbasetemp() / SCREENSHOTS
    shots.mkdir(exist_ok=True)

    def shoot(state):
        name = f"preview-{width}-{scheme}-{state}.png"
        driver.save_screenshot(str(shots / name))

    with browser(width, height) as driver:
        driver.execute_cdp_cmd(
            "Emulation.setEmulatedMedia",
            {"features": [{"name": "prefers-color-scheme", "value": scheme}]},
        )
        with preview.Preview() as window:
            driver.get(window.url)
            assert driver.title == "Anonymized frames"
            assert text_of(driver, "status") == "waiting for the first frame"
            film = Film(window)
            wait_for_status(driver, "live")
            time.sleep(1)
            assert text_of(driver, "size") == "160 × 120"
            assert int(text_of(driver, "count")) > 10
            assert 1 < float(text_of(driver, "rate")) < 30
            shoot("live")
            shown = driver.execute_script(
                "const i = document.images[0];"
                "return [i.naturalWidth, i.clientWidth, i.clientHeight,"
                " getComputedStyle(i).imageRendering,"
                " getComputedStyle(document.body).backgroundColor]"
            )
            film.stopped.set()
            film.join()
        wait_for_status(driver, "ended")
        shoot("ended")
        assert complaints(driver) == []
        assert overflow(driver) <= 0
    assert shown[0] == 160
    assert shown[1] == width  # that of the window, not 160
    assert shown[2] > height / 2
    assert shown[3] == "pixelated"
    is_bright = int(re.search(r"\d+", shown[4])[0]) > 128
    assert is_bright == (scheme == "light")


@needs_browser
def test_the_page_says_that_it_lost_the_program():
    with browser(390, 844) as driver:
        window = preview.Preview()
        driver.get(window.url)
        window.show(scene(1))
        wait_for_status(driver, "live")
        # If the program is killed, no event announces the end.
        window._server.preview = None
        window.show(scene(2))
        window._server.shutdown()
        window._server.server_close()
        wait_for_status(driver, "disconnected")


@needs_browser
def test_a_foreign_page_shows_nothing(window, tmp_path):
    path = tmp_path / "foreign.html"
    path.write_text(f"<img src='{window.url}frames'>")
    with browser() as driver:
        driver.get(path.as_uri())
        width = driver.execute_script("return document.images[0].naturalWidth")
    assert width == 0
