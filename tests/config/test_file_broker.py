"""The message folder: whole messages, each to one reader, in the order in which they were sent."""

import socket
import threading
import time
import uuid
from pathlib import Path
from typing import Any

import pytest
from kombu import Connection, Consumer, Exchange, Queue

import config.celery  # noqa: F401  (announces the scheme)


@pytest.fixture
def queue() -> Queue:
    """A queue of a name of its own: kombu remembers per process what it has bound, whatever the folder."""
    return named_queue()


def named_queue() -> Queue:
    name = f"queue-{uuid.uuid4().hex[:8]}"
    return Queue(name, Exchange(name), name)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("messages", "control"):
        (tmp_path / name).mkdir()
    return tmp_path


def connect(folder: Path) -> Any:
    options = {
        "data_folder_in": str(folder / "messages"), "data_folder_out": str(folder / "messages"),
        "control_folder": str(folder / "control"), "polling_interval": 0.005,
    }  # fmt: skip
    return Connection("folder://localhost", transport_options=options)


def send(folder: Path, numbers: range, queue: Queue) -> None:
    with connect(folder) as connection:
        producer = connection.Producer()
        for number in numbers:
            producer.publish(
                {"number": number}, exchange=queue.exchange, routing_key=queue.routing_key, declare=[queue]
            )


def read(folder: Path, into: list[int], queue: Queue, *, until: threading.Event) -> None:
    """Take messages until told to stop and nothing is left."""

    def take(body: dict[str, int], message: Any) -> None:
        into.append(body["number"])
        message.ack()

    with connect(folder) as connection, connection.channel() as channel, Consumer(channel, [queue], callbacks=[take]):
        while True:
            try:
                connection.drain_events(timeout=0.1)
            except socket.timeout:  # noqa: UP041  (what kombu raises)
                if until.is_set():
                    return


def test_many_readers_and_writers_lose_double_and_tear_nothing(folder: Path, queue: Queue) -> None:
    until = threading.Event()
    taken: list[int] = []
    failures: list[BaseException] = []

    def reader() -> None:
        try:
            read(folder, taken, queue, until=until)
        except BaseException as error:  # a thread's own failure would go unseen
            failures.append(error)

    readers = [threading.Thread(target=reader) for _number in range(3)]
    writers = [threading.Thread(target=send, args=(folder, range(start, start + 150), queue)) for start in (0, 150)]
    for thread in [*readers, *writers]:
        thread.start()
    for thread in writers:
        thread.join()
    time.sleep(0.3)
    until.set()
    for thread in readers:
        thread.join(20)
    assert failures == []
    assert sorted(taken) == list(range(300))
    assert list((folder / "messages").iterdir()) == []


def test_messages_come_in_the_order_in_which_they_were_sent(folder: Path, queue: Queue) -> None:
    send(folder, range(20), queue)
    done = threading.Event()
    taken: list[int] = []
    done.set()
    read(folder, taken, queue, until=done)
    assert taken == list(range(20))


def test_a_reader_takes_from_its_own_queue_alone(folder: Path, queue: Queue) -> None:
    other = named_queue()
    send(folder, range(3), other)
    send(folder, range(10, 12), queue)
    done = threading.Event()
    taken: list[int] = []
    done.set()
    read(folder, taken, queue, until=done)
    assert taken == [10, 11]
    assert len(list((folder / "messages").glob(f"*.{other.name}.msg"))) == 3


def test_bindings_made_at_the_same_moment_are_all_kept(folder: Path) -> None:
    shared = Exchange("shared", type="direct")
    queues = [Queue(f"queue{number}", shared, "key") for number in range(8)]

    def bind(queue: Queue) -> None:
        with connect(folder) as connection, connection.channel() as channel:
            queue(channel).declare()

    threads = [threading.Thread(target=bind, args=(queue,)) for queue in queues]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with connect(folder) as connection, connection.channel() as channel:
        assert {binding.queue for binding in channel.get_table("shared")} == {queue.name for queue in queues}
