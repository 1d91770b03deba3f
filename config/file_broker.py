"""A message broker in a folder, for an installation without a broker server.

Messages are files. kombu's own file transport writes a message after creating its file, so that a second process can
read it half written (seen: two of 3,000 messages), and the reader's process then stops. Here a message and a binding
appear whole or not at all, by renaming. Messages only hurry rows along: one that is lost harms nothing.
"""

import fcntl
import os
import time
import uuid
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.transport import filesystem
from kombu.utils.json import dumps, loads

SCHEME = "folder"
"""Of the broker address: ``folder://``, with the folders in the transport options."""


class Channel(filesystem.Channel):  # type: ignore[misc]  # kombu is not typed
    """kombu's file channel with atomic files. Several processes may read and write the same folder."""

    def _put(self, queue: str, payload: dict[str, Any], **_options: Any) -> None:
        name = f"{time.time_ns():020d}_{uuid.uuid4()}.{queue}.msg"
        self._write_whole(Path(self.data_folder_out) / name, dumps(payload))

    def _get(self, queue: str) -> dict[str, Any]:
        """The oldest message of the queue; exactly one of any number of readers gets it. Raises Empty."""
        folder = Path(self.data_folder_in)
        ending = f".{queue}.msg"
        for name in sorted(name for name in os.listdir(folder) if name.endswith(ending)):
            taken = folder / f".taken-{uuid.uuid4()}"
            try:
                os.rename(folder / name, taken)
            except FileNotFoundError:
                continue  # another reader was quicker
            message: dict[str, Any] = loads(taken.read_text())
            taken.unlink()
            return message
        raise Empty

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str, queue: str) -> None:
        file = self._exchange_file(exchange)
        binding = filesystem.exchange_queue_t(routing_key or "", pattern or "", queue or "")
        if binding in self.get_table(exchange):
            return
        with (Path(self.control_folder) / ".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._write_whole(file, dumps([binding, *self.get_table(exchange)]))

    @staticmethod
    def _write_whole(file: Path, text: str) -> None:
        draft = file.with_name(f".draft-{uuid.uuid4()}")
        draft.write_text(text)
        os.rename(draft, file)


class Transport(filesystem.Transport):  # type: ignore[misc]  # kombu is not typed
    """What ``folder://`` means, once ``config.celery`` has announced it."""

    Channel = Channel
    driver_type = driver_name = SCHEME
