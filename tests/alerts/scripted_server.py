"""A server on loopback that keeps what it is sent and answers what the test has laid out."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class ScriptedServer:
    """Answers in turn; the last answer repeats. An answer is (status, body, headers)."""

    def __init__(self, answers):
        self.answers = list(answers)
        self.requests = []  # (path, headers, body as data)
        self.hung_up_on = threading.Event()  # a client had enough before the answer's end
        self.silent = threading.Event()  # set to let a request that is never answered end

    @property
    def bodies(self):
        return [body for _, _, body in self.requests]


@contextmanager
def serving(*answers):
    """The server and its address, `http://127.0.0.1:<port>`."""
    script = ScriptedServer(answers)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 10

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            script.requests.append((self.path, dict(self.headers), json.loads(body)))
            answer = script.answers.pop(0) if len(script.answers) > 1 else script.answers[0]
            if answer is None:
                script.silent.wait(10)
                self.close_connection = True
                return
            status, content, headers = answer
            self.send_response_only(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            try:
                self.wfile.write(content)
            except OSError:
                self.close_connection = True
                script.hung_up_on.set()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield script, f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        script.silent.set()
        server.shutdown()
        server.server_close()
        thread.join()
