"""Token ids to text, piece by piece, never half a character."""

from tokenizers import Tokenizer

_HALF = "\ufffd"
"""What a decoder writes for bytes that are no character (yet)."""


class TextStream:
    """The pieces of `push`, and at last `rest`, are together the decoding of all tokens."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        self.tokens: list[int] = []
        self.text, self.sent = "", 0

    def push(self, token: int) -> str:
        """What can be shown now that `token` came; empty where a character is not complete yet."""
        self.tokens.append(token)
        self.text = str(self.tokenizer.decode(self.tokens))
        whole = self.text.rstrip(_HALF)
        piece = whole[self.sent :]
        self.sent = max(self.sent, len(whole))
        return piece

    def held(self) -> bool:
        return len(self.text) > self.sent

    def rest(self) -> str:
        """What was held back, for when no token follows."""
        piece, self.sent = self.text[self.sent :], len(self.text)
        return piece
