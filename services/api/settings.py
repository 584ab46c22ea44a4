"""What the environment says of keeping checkpoints. Read once, in an entry point; `.env.example` documents every name."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

DAY: Final = 86_400.0


@dataclass(frozen=True)
class KeepingSettings:
    """Seconds and bytes.

    grace: between the moment when nothing keeps a checkpoint any more and its deletion, so that a person can still pin it.
    short_grace: the same while there is too little room. orphan_age: how old objects are that were never committed when they go.
    scrub: a checkpoint is read back this long after it was last verified; 0 never. quota: of all checkpoints; None for no limit.
    """

    grace: float = DAY
    short_grace: float = 600.0
    orphan_age: float = DAY
    scrub: float = 7 * DAY
    quota: int | None = None

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "KeepingSettings":
        quota = environ.get("GROUNDUP_CHECKPOINT_QUOTA_BYTES", "").strip()
        return cls(
            grace=float(environ.get("GROUNDUP_CHECKPOINT_GRACE_SECONDS", cls.grace)),
            short_grace=float(environ.get("GROUNDUP_CHECKPOINT_SHORT_GRACE_SECONDS", cls.short_grace)),
            orphan_age=float(environ.get("GROUNDUP_CHECKPOINT_ORPHAN_SECONDS", cls.orphan_age)),
            scrub=float(environ.get("GROUNDUP_SCRUB_SECONDS", cls.scrub)),
            quota=int(quota) if quota else None,
        )


DEFAULTS: Final = KeepingSettings()
