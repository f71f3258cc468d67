"""A network camera: an RTSP server on the loopback interface."""

import contextlib
import socket
import socketserver
import threading

import av

# H.264 whose parameters are in the stream.
DESCRIPTION = (
    "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=camera\r\nc=IN IP4 127.0.0.1\r\n"
    "t=0 0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
    "a=fmtp:96 packetization-mode=1\r\na=control:track\r\n"
)
REPORT = bytes([0x80, 201, 0, 1])  # RTCP of one source; BYE may not be alone
GOODBYE = bytes([0x81, 203, 0, 1])
RATE = 25


def packets(pictures):
    """Yields the RTP packets of a film as a camera sends them."""
    with contextlib.closing(socket.socket(type=socket.SOCK_DGRAM)) as inbox:
        inbox.bind(("127.0.0.1", 0))
        inbox.settimeout(10)
        url = f"rtp://127.0.0.1:{inbox.getsockname()[1]}"
        with av.open(url, "w", format="rtp") as out:
            video = out.add_stream("libx264", rate=RATE)
            video.height, video.width = pictures[0].shape[:2]
            video.pix_fmt = "yuv444p"
            video.options = {"tune": "zerolatency", "crf": "10"}
            for pixels in pictures:
                frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
                out.mux(video.encode(frame))
                is_last = False  # of the packets of this frame
                while not is_last:
                    packet = inbox.recv(65536)
                    is_last = packet[1] & 0x80
                    yield packet


class Camera(socketserver.StreamRequestHandler):
    """Answers according to RFC 2326, and sends RTP over the same connection."""

    def handle(self):
        with contextlib.suppress(ConnectionError):  # clients leave when done
            self.serve()

    def serve(self):
        while request := self.rfile.readline().decode().split():
            headers = self.read_headers()
            method, url = request[0], request[1]
            self.answer(method, url, headers)
            if method == "PLAY":
                self.play()

    def read_headers(self):
        lines = iter(lambda: self.rfile.readline().decode().strip(), "")
        return dict(line.split(": ", 1) for line in lines)

    def answer(self, method, url, headers):
        body = DESCRIPTION if method == "DESCRIBE" else ""
        lines = [
            "RTSP/1.0 200 OK",
            f"CSeq: {headers['CSeq']}",
            "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN",
            "Session: 1",
            f"Content-Base: {url}/",
            f"Content-Length: {len(body)}",
        ]
        if body:
            lines.append("Content-Type: application/sdp")
        if "Transport" in headers:
            lines.append(f"Transport: {headers['Transport']}")
        text = "\r\n".join(lines) + "\r\n\r\n" + body
        self.wfile.write(text.encode())

    def play(self):
        for packet in self.server.packets:
            self.send(0, packet)
        source = packet[8:12]
        if self.server.says_goodbye:
            self.send(1, REPORT + source + GOODBYE + source)

    def send(self, channel, packet):
        head = bytes([0x24, channel]) + len(packet).to_bytes(2, "big")
        self.wfile.write(head + packet)


@contextlib.contextmanager
def camera(pictures, says_goodbye=True):
    """Serves a film `(n, height, width, 3)` and yields its address."""
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Camera)
    server.daemon_threads = True
    server.packets = list(packets(pictures))
    server.says_goodbye = says_goodbye
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"rtsp://127.0.0.1:{server.server_address[1]}/live"
    finally:
        server.shutdown()
        server.server_close()
