"""Progress from worker processes to the process that runs the study, over a local authenticated connection.

A worker must never wait for, or fail because of, somebody who watches: a lost connection only ends its reports.
"""

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener
from typing import Any

from mtlbench.experiments.events import Event


@dataclass(frozen=True)
class Address:
    """Where reports go; picklable, handed to each worker."""

    address: Any
    key: bytes


class Receiver:
    """Listens for events of worker processes and passes each to ``listener`` from a background thread."""

    def __init__(self, listener: Callable[[Event], None]) -> None:
        self._listener = listener
        key = secrets.token_bytes(16)
        self._server = Listener(authkey=key)
        self.address = Address(self._server.address, key)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                connection = self._server.accept()
            except (EOFError, ConnectionError, AuthenticationError):
                continue  # it died as it connected
            except OSError:
                return  # closed
            threading.Thread(target=self._receive, args=(connection,), daemon=True).start()

    def _receive(self, connection: "Connection[Any, Any]") -> None:
        try:
            while True:
                self._listener(connection.recv())
        except (EOFError, OSError):
            connection.close()


class Sender:
    """The worker's end."""

    def __init__(self, address: Address) -> None:
        self._connection: Connection[Any, Any] | None
        try:
            self._connection = Client(address.address, authkey=address.key)
        except OSError:
            self._connection = None

    def __call__(self, event: Event) -> None:
        """Send ``event``, or drop it where nobody listens any more."""
        try:
            if self._connection is not None:
                self._connection.send(event)
        except OSError:
            self._connection = None


@lru_cache(maxsize=1)
def sender(address: Address) -> Sender:
    """This process's connection to ``address``."""
    return Sender(address)
