"""A web server whose paths answer what the test says, and which keeps what was posted to it."""

import http.server
import threading
import time


class Web:
    def __init__(self):
        self.codes = {}             # path -> status; a path that is not here is 404
        self.posts = []             # (path, headers, body), in order
        self._changed = threading.Condition()
        web = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self, code):
                body = f"answer {code}\n".encode()
                self.send_response(code)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):
                self._answer(web.codes.get(self.path, 404))

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                with web._changed:
                    web.posts.append((self.path, dict(self.headers.items()), body))
                    web._changed.notify_all()
                self._answer(200)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def wait_for_post(self, accept, timeout=20):
        """The first post, now or later, that accept(path, headers, body) likes; None after the timeout."""
        deadline = time.monotonic() + timeout
        seen = 0
        with self._changed:
            while True:
                for post in self.posts[seen:]:
                    if accept(*post):
                        return post
                seen = len(self.posts)
                if not self._changed.wait(max(0.0, deadline - time.monotonic())) and time.monotonic() >= deadline:
                    return None

    def close(self):
        self._server.shutdown()
        self._server.server_close()
