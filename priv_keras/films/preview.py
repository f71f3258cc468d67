"""Shows the newest anonymized frame to a browser on this machine.

Other users of the machine and pages of other sites can reach the same port. A
request is answered only if its address holds a random token, and only if the
browser says that the page itself or its user asked for it.
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
PATIENCE = 10  # seconds for a browser to send or receive something
FAREWELL = 2  # seconds at the end for browsers to receive the last frame
MAX_CLIENTS = 16  # connections at once; a page has two
RATE_SECONDS = 2  # seconds over which frames are counted
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


class Status(NamedTuple):
    """What a page shows beside the frames."""

    count: int  # frames so far
    rate: float  # frames per second
    size: tuple  # (width, height) in pixels
    ended: bool
    missing: list  # strings, what is dropped and what could not be read


class Preview:
    """Serves a page on the loopback interface; a context manager.

    Args:
        port: Int; 0 for any free one.

    Attributes:
        url: String, the address of the page. It is a secret: whoever knows it
            and uses this machine can see the frames.

    Raises:
        OSError: If the port is in use.
    """

    def __init__(self, port=0):
        self._changed = threading.Condition()
        self._times = collections.deque(maxlen=1000)  # of the last frames
        self._jpeg, self._status = None, Status(0, 0.0, (0, 0), False, [])
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
            self._status = self._status._replace(ended=True)
            self._changed.notify_all()
        self._server.shutdown()
        self._server.wait_for_clients()
        self._server.server_close()

    def show(self, pixels, missing=()):
        """Shows a frame.

        Args:
            pixels: uint8 `(height, width, 3)`, anonymized.
            missing: Strings that say what of the film is dropped and what could
                not be read.
        """
        from PIL import Image

        jpeg = io.BytesIO()
        Image.fromarray(pixels).save(jpeg, "JPEG", quality=80)
        with self._changed:
            self._jpeg = jpeg.getvalue()
            self._times.append(time.monotonic())
            self._status = self._status._replace(
                count=self._status.count + 1,
                size=pixels.shape[1::-1],
                missing=list(missing),
            )
            self._changed.notify_all()

    def newest(self, seen, patience=1.0):
        """Waits for a new frame or the end, and returns the newest frame.

        Args:
            seen: Int, the count of frames that the last call returned.
            patience: Float, seconds after which to return in any case.

        Returns:
            Bytes, the newest frame as a JPEG, or `None` if there is none yet;
            and the `Status`.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: self._status.count != seen or self._status.ended,
                patience,
            )
            return self._jpeg, self._status._replace(rate=self._rate())

    def _rate(self):
        oldest = time.monotonic() - RATE_SECONDS
        while self._times and self._times[0] < oldest:
            self._times.popleft()
        if len(self._times) < 2:
            return 0.0
        return (len(self._times) - 1) / (self._times[-1] - self._times[0])


class _Server(http.server.ThreadingHTTPServer):
    """Accepts at most `MAX_CLIENTS` connections at once."""

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
        # A browser that has left or is too slow is not an error.
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    def wait_for_clients(self):
        """Waits until all have left, at most `FAREWELL` seconds."""
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
        if not self._is_own_request():
            self.send_error(403)
        elif not self._is_secret(start) or name not in answers:
            self.send_error(404)
        else:
            answers[name]()

    def _is_own_request(self):
        """Returns whether the page itself or its user made this request.

        A foreign page can make a browser ask, even under a name that it lets
        resolve to this machine; but these headers of the browser reveal it.
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
        """Returns whether an address begins with the token, in a time that
        does not depend on where it differs."""
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
            jpeg, status = self.server.preview.newest(seen)
            if status.count != seen:
                seen = status.count
                head = (
                    f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\n"
                    f"Content-Length: {len(jpeg)}\r\n\r\n"
                )
                self.wfile.write(head.encode() + jpeg + b"\r\n")
            elif status.ended or self._has_left():
                return

    def _send_events(self):
        self._send_head("text/event-stream")
        self.wfile.write(b"retry: 1000\n\n")
        seen, ended = 0, False
        while not ended:
            _, status = self.server.preview.newest(seen)
            event = f"data: {json.dumps(status._asdict())}\n\n"
            self.wfile.write(event.encode())
            seen, ended = status.count, status.ended
            time.sleep(0 if ended else PAUSE)

    def _has_left(self):
        """Returns whether the browser has closed the connection."""
        readable, _, _ = select.select([self.connection], [], [], 0)
        return readable and not self.connection.recv(1, socket.MSG_PEEK)

    def _send_head(self, kind, headers=None):
        self.send_response_only(200)
        more = {"Content-Type": kind, **HEADERS, **(headers or {})}
        for name, value in more.items():
            self.send_header(name, str(value))
        self.end_headers()

    def send_error(self, code, *_):
        """Sends the code, and no page that explains it."""
        self.send_response_only(code)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass
