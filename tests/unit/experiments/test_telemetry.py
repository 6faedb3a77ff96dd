"""Reports of worker processes."""

import queue
from multiprocessing.connection import Client

from mtlbench.experiments.events import CellStarted, Event
from mtlbench.experiments.telemetry import Receiver, Sender


def test_who_dies_as_it_connects_does_not_end_the_reports_of_others() -> None:
    heard: queue.Queue[Event] = queue.Queue()
    receiver = Receiver(heard.put)
    Client(receiver.address.address).close()  # without an answer to the challenge
    Sender(receiver.address)(CellStarted("a", "A"))
    assert heard.get(timeout=30) == CellStarted("a", "A")
    receiver.close()
