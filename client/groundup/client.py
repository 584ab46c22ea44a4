"""The Python client: one object, one attribute per noun."""

from types import TracebackType
from typing import Self

from groundup.account import Account
from groundup.checkpoints import Checkpoints
from groundup.config import read_config
from groundup.datasets import Datasets
from groundup.emergency import Emergency
from groundup.generation import Generator
from groundup.history import History
from groundup.queueing import Queue
from groundup.runs import Runs
from groundup.tokenizers import Tokenizers
from groundup.transport import RETRIES, Transport
from groundup.workers import Workers


class Client:
    """Calls a Groundup server; not for several threads at once.

    url, token: default to GROUNDUP_URL and GROUNDUP_TOKEN, then to what `groundup login` saved, then to this machine's own server.
    retries: how often a call is repeated while the server is away or busy. Every call raises ClientError (see groundup.problems).
    """

    def __init__(self, url: str | None = None, token: str | None = None, *, retries: int = RETRIES) -> None:
        self.config = read_config(url, token)
        self.transport = Transport(self.config, retries=retries)
        self.runs = Runs(self.transport)
        self.history = History(self.transport)
        self.checkpoints = Checkpoints(self.transport)
        self.datasets = Datasets(self.transport)
        self.tokenizers = Tokenizers(self.transport)
        self.generator = Generator(self.transport)
        self.workers = Workers(self.transport)
        self.queue = Queue(self.transport)
        self.emergency = Emergency(self.transport)
        self.account = Account(self.transport)

    def close(self) -> None:
        self.transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
