"""Shows the newest anonymized frame to a browser on this machine."""

import http.server
import io
import threading

BOUNDARY = "frame"
PAGE = (
    b"<!doctype html><meta charset=utf-8><title>Anonymized</title>"
    b"<body style='margin:0;background:#222'><img src=frames "
    b"alt='anonymized frames' style='max-width:100%;max-height:100vh'>"
)


class Preview:
    """Serves a page on the loopback interface; a context manager.

    Args:
        port: Int; 0 for any that is free.

    Attributes:
        url: String, of the page.

    Raises:
        OSError: If the port is taken.
    """

    def __init__(self, port=0):
        self._news = threading.Condition()
        self._jpeg, self._count, self._ended = None, 0, False
        preview = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                preview.answer(self)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", port), Handler
        )
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        with self._news:
            self._ended = True
            self._news.notify_all()
        self._server.shutdown()
        self._server.server_close()

    def show(self, pixels):
        """Makes an anonymized frame, uint8 `(height, width, 3)`, the newest."""
        from PIL import Image

        jpeg = io.BytesIO()
        Image.fromarray(pixels).save(jpeg, "JPEG", quality=80)
        with self._news:
            self._jpeg = jpeg.getvalue()
            self._count += 1
            self._news.notify_all()

    def answer(self, request):
        """Answers one request, for as long as there are frames."""
        if request.path not in ("/", "/frames"):
            request.send_error(404)
            return
        request.send_response(200)
        request.send_header("Cache-Control", "no-store")
        if request.path == "/":
            request.send_header("Content-Type", "text/html")
            request.end_headers()
            request.wfile.write(PAGE)
            return
        kind = f"multipart/x-mixed-replace; boundary={BOUNDARY}"
        request.send_header("Content-Type", kind)
        request.end_headers()
        try:
            for jpeg in self._newest():
                head = (
                    f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\n"
                    f"Content-Length: {len(jpeg)}\r\n\r\n"
                )
                request.wfile.write(head.encode() + jpeg + b"\r\n")
        except ConnectionError:
            pass  # who looked has gone

    def _newest(self):
        seen = 0
        while True:
            with self._news:
                while self._count == seen and not self._ended:
                    self._news.wait()
                if self._count == seen:
                    return
                seen, jpeg = self._count, self._jpeg
            yield jpeg
