"""When a run whose attempt has failed is tried again: at once where it got somewhere, else after a wait that doubles."""

from typing import Final

MAX_FRUITLESS: Final = 3
"""So many attempts in a row may fail without a new checkpoint before the run itself counts as failed."""
FIRST_WAIT: Final = 5.0
LONGEST_WAIT: Final = 300.0


def wait_after(fruitless: int) -> float:
    """Seconds to wait after so many failures in a row without a new checkpoint."""
    return min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(fruitless - 1, 10)) if fruitless else 0.0


def told(wait: float, attempt: int) -> str:
    """How the reason of a run begins that waits for its next attempt, number `attempt`."""
    return f"waits {wait:g} s before attempt {attempt}: "
