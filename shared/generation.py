"""What api and generator say to each other over Redis: requests in a list, the answer of each in a stream of its own."""

from typing import Literal

from shared.internal import Located, Message


class GenerateRequest(Message):
    """`tokenizer` and `files` are presigned. `seed` None: a random one."""

    id: str
    checkpoint_id: str
    files: list[Located]
    prompts: list[str]
    max_new_tokens: int
    temperature: float
    top_k: int | None
    top_p: float | None
    seed: int | None


class GenerateReply(Message):
    """One entry of the reply stream. `token`: what prompt `index` grew by; `end`: it is complete; `done`: all are; `error`: give up."""

    kind: Literal["token", "end", "done", "error"]
    index: int = 0
    text: str = ""
    token: int | None = None
    logprob: float | None = None
    finish_reason: str = ""
