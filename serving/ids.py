"""Ids: a prefix that says what it is, then 80 random bits; never guessable, never reused, safe in a URL, a file name and a Redis key."""

import base64
import secrets


def new_id(prefix: str) -> str:
    return f"{prefix}_{base64.b32encode(secrets.token_bytes(10)).decode().lower()}"
