"""Shows the newest anonymized frame to a browser on this machine.

Other users of the machine and pages of other sites reach the same port. Only
an address that holds a random token is answered, and only where the browser
says that it was asked for by the page itself or by hand.
"""

import collections
import hmac
import http.server
import importlib.resources
import io
import json
import secrets
import select
import socket
import sys
import threading
import time
from typing import NamedTuple

BOUNDARY = "frame"
PATIENCE = 10  # seconds for a browser to ask, and to take what it is sent
FAREWELL = 2  # seconds, at the end, for browsers to take the last frame
MAX_CLIENTS = 16  # connections at once, of which a page has two
RATE_SECONDS = 2  # over which frames are counted
PAUSE = 0.2  # seconds between two events
HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
POLICY = (
    "default-src 'none'; img-src 'self' data:; connect-src 'self'; "
    "script-src 'nonce-{0}'; style-src 'nonce-{0}'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)


class News(NamedTuple):
    """What a page is told."""

    count: int  # frames so far
    rate: float  # frames per second
    size: tuple  # (width, height) in pixels
    ended: bool


class Preview:
    """Serves a page on the loopback interface; a context manager.

    Args:
        port: Int; 0 for any that is free.

    Attributes:
        url: String, the address of the page. It is a secret: whoever knows it
            and uses this machine sees the frames.

    Raises:
        OSError: If the port is taken.
    """

    def __init__(self, port=0):
        self._changed = threading.Condition()
        self._times = collections.deque(maxlen=1000)  # of the last frames
        self._jpeg, self._news = None, News(0, 0.0, (0, 0), False)
        self._server = _Server(port, self)
        self.url = (
            f"http://127.0.0.1:{self._server.server_port}/{self._server.token}/"
        )
        threading.Thread(
            target=self._server.serve_forever, args=(0.1,), daemon=True
        ).start()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        with self._changed:
            self._news = self._news._replace(ended=True)
            self._changed.notify_all()
        self._server.shutdown()
        self._server.wait_for_clients()
        self._server.server_close()

    def show(self, pixels):
        """Makes an anonymized frame, uint8 `(height, width, 3)`, the newest."""
        from PIL import Image

        jpeg = io.BytesIO()
        Image.fromarray(pixels).save(jpeg, "JPEG", quality=80)
        with self._changed:
            self._jpeg = jpeg.getvalue()
            self._times.append(time.monotonic())
            self._news = self._news._replace(
                count=self._news.count + 1, size=pixels.shape[1::-1]
            )
            self._changed.notify_all()

    def newest(self, seen, patience=1.0):
        """Waits for a frame or the end.

        Args:
            seen: Int, frames that there were when it was last asked.
            patience: Float, seconds after which there need be no news.

        Returns:
            Bytes, the newest frame as a JPEG, `None` if there is none yet;
            and its `News`.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: self._news.count != seen or self._news.ended, patience
            )
            return self._jpeg, self._news._replace(rate=self._rate())

    def _rate(self):
        oldest = time.monotonic() - RATE_SECONDS
        while self._times and self._times[0] < oldest:
            self._times.popleft()
        if len(self._times) < 2:
            return 0.0
        return (len(self._times) - 1) / (self._times[-1] - self._times[0])


class _Server(http.server.ThreadingHTTPServer):
    """Takes so many connections and no more."""

    daemon_threads = True

    def __init__(self, port, preview):
        self.preview, self.token = preview, secrets.token_urlsafe()
        self._free = threading.Semaphore(MAX_CLIENTS)
        super().__init__(("127.0.0.1", port), _Handler)

    def process_request(self, request, client_address):
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request, client_address):
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request, client_address):
        # A browser that has gone, or is too slow, is no fault of ours.
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    def wait_for_clients(self):
        """Waits until all have gone, but not for long."""
        end = time.monotonic() + FAREWELL
        for _ in range(MAX_CLIENTS):
            self._free.acquire(timeout=max(0, end - time.monotonic()))


class _Handler(http.server.BaseHTTPRequestHandler):
    """Answers one request."""

    timeout = PATIENCE

    def do_GET(self):
        answers = {
            "": self._send_page,
            "frames": self._send_frames,
            "events": self._send_events,
        }
        start, _, name = self.path.partition("?")[0].rpartition("/")
        if not self._is_asked_here():
            self.send_error(403)
        elif not self._is_secret(start) or name not in answers:
            self.send_error(404)
        else:
            answers[name]()

    def _is_asked_here(self):
        """Whether the page itself asks, or somebody who typed its address.

        A foreign page can make a browser ask, under a name that it lets
        resolve to this machine; but browsers say so in these headers.
        """
        port = self.server.server_port
        end = "" if port == 80 else f":{port}"
        hosts = self.headers.get_all("Host", [])
        ours = [f"{name}{end}" for name in ("127.0.0.1", "localhost", "[::1]")]
        return (
            len(hosts) == 1
            and hosts[0] in ours
            and set(self.headers.get_all("Origin", []))
            <= {f"http://{hosts[0]}"}
            and set(self.headers.get_all("Sec-Fetch-Site", []))
            <= {"same-origin", "none"}
        )

    def _is_secret(self, start):
        """Whether an address begins with the token; takes the same time for
        all that are wrong."""
        return hmac.compare_digest(
            start.encode(), f"/{self.server.token}".encode()
        )

    def _send_page(self):
        nonce = secrets.token_urlsafe()
        page = importlib.resources.files("priv_keras.films") / "preview.html"
        content = page.read_text("utf-8").replace("NONCE", nonce).encode()
        self._send_head(
            "text/html; charset=utf-8",
            {
                "Content-Length": len(content),
                "Content-Security-Policy": POLICY.format(nonce),
            },
        )
        self.wfile.write(content)

    def _send_frames(self):
        self._send_head(f"multipart/x-mixed-replace; boundary={BOUNDARY}")
        seen = 0
        while True:
            jpeg, news = self.server.preview.newest(seen)
            if news.count != seen:
                seen = news.count
                head = (
                    f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\n"
                    f"Content-Length: {len(jpeg)}\r\n\r\n"
                )
                self.wfile.write(head.encode() + jpeg + b"\r\n")
            elif news.ended or self._has_gone():
                return

    def _send_events(self):
        self._send_head("text/event-stream")
        self.wfile.write(b"retry: 1000\n\n")
        seen, ended = 0, False
        while not ended:
            _, news = self.server.preview.newest(seen)
            self.wfile.write(f"data: {json.dumps(news._asdict())}\n\n".encode())
            seen, ended = news.count, news.ended
            time.sleep(0 if ended else PAUSE)

    def _has_gone(self):
        """Whether the browser has closed the connection."""
        readable, _, _ = select.select([self.connection], [], [], 0)
        return readable and not self.connection.recv(1, socket.MSG_PEEK)

    def _send_head(self, kind, headers=None):
        self.send_response_only(200)
        more = {"Content-Type": kind, **HEADERS, **(headers or {})}
        for name, value in more.items():
            self.send_header(name, str(value))
        self.end_headers()

    def send_error(self, code, *_):
        """Says the code and nothing else."""
        self.send_response_only(code)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass
