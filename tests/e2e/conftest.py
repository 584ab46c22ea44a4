"""One stack for all end-to-end tests of a process, real text in it, and runs of a second or two. It goes down after the last of them, so
that tests of other folders do not share the machine with it."""

import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest
from groundup import Client

from tests.e2e.stack import Stack, running_stack


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running_stack(tmp_path_factory.mktemp("a stack")) as stack:  # paths may have spaces
        yield stack


@pytest.fixture
def client(stack: Stack) -> Iterator[Client]:
    with stack.client() as client:
        yield client


@pytest.fixture(scope="package")
def dataset(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A few hundred kB of real text: modules of the standard library."""
    folder = tmp_path_factory.mktemp("text")
    for module in ("argparse", "ast", "inspect", "typing", "subprocess", "tarfile"):
        (folder / f"{module}.py").write_text((Path(sysconfig.get_path("stdlib")) / f"{module}.py").read_text())
    with stack.client() as client:
        return client.datasets.push("stdlib", [str(folder)]).version.reference


@pytest.fixture(scope="package")
def tokenizer(stack: Stack, dataset: str) -> str:
    with stack.client() as client:
        trained = client.tokenizers.train("bpe", dataset=dataset, vocab_size=512)
        return client.tokenizers.wait(trained).reference
