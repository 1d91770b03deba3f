"""A server that answers everybody, one byte at a time."""

import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class SlowServer:
    """``address`` is its base; ``requests`` the first lines of what it was asked; ``open_now`` how many wait for it."""

    address: str
    every_s: float
    requests: list[str] = field(default_factory=list)
    open_now: int = 0
    most_open: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def host(self) -> str:
        """Host and port, as OUTBOUND_ALLOW takes them."""
        return self.address.rpartition("/")[2]


@contextmanager
def dripping(every_s: float = 3.0) -> Iterator[SlowServer]:
    """A server whose headers come one byte every ``every_s`` and never end."""
    told: SlowServer

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            with told.lock:
                told.requests.append(self.rfile.readline().decode("latin-1").strip())
                told.open_now += 1
                told.most_open = max(told.most_open, told.open_now)
            try:
                for sign in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"a" * 100_000:
                    self.wfile.write(bytes([sign]))
                    time.sleep(told.every_s)
            except OSError:
                return
            finally:
                with told.lock:
                    told.open_now -= 1

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        request_queue_size = 200
        block_on_close = False

    with Server(("127.0.0.1", 0), Handler) as server:
        told = SlowServer(f"http://127.0.0.1:{server.server_address[1]}", every_s)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield told
        server.shutdown()
