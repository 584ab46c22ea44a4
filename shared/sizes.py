"""Sizes as people read them. The dashboard and the command line say them alike."""


def told(count: float) -> str:
    """1234567 -> 1.2 MB"""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
