"""Named points at which a process can be told to die, so that tests show what a kill at just that moment leaves behind.

`CRASH_AT=checkpoint.before_manifest` kills the process by SIGKILL where it first comes there, `CRASH_AT=step.before_backward:17` the 17th
time; several are separated by commas. Entry points arm them from the environment, and an agent hands the setting on to its children.
Whoever restarts such a process restarts it armed: clear the setting first. Unarmed, a point costs one look at an empty dictionary.
"""

import os
import signal
from typing import Final

POINTS: Final = {
    "step.before_backward": "in the child, inside a step: the batch is there, nothing was computed",
    "step.before_optimizer": "inside a step: gradients are there, no weight has changed",
    "checkpoint.after_snapshot": "state is copied, nothing is written",
    "checkpoint.between_shards": "a file of tensors is written, another one is not",
    "checkpoint.before_manifest": "all files are written but the manifest",
    "checkpoint.before_rename": "the manifest is written, the folder still has its unfinished name",
    "checkpoint.after_rename": "the folder has its final name, nobody was told",
    "spool.before_segment": "a segment of the spool is full, the next one does not exist",
    "spool.after_segment": "the next segment exists and is empty",
    "spool.before_removal": "in the agent: the history has all of a segment, it is still there",
    "evaluation": "in the middle of an evaluation",
    "upload.before": "in the agent: a finished checkpoint was found, nothing is sent",
    "upload.between_files": "one file is sent, another one is not",
    "upload.before_complete": "all files are sent, storage was not asked to verify them",
    "commit.before": "storage has verified all files, api does not know the checkpoint",
    "commit.after": "the checkpoint is visible, the agent has not noted that it is",
    "storage.before_row": "in storage: a file was read back and is right, its row is not written",
    "storage.before_objects": "a checkpoint is being deleted: its rows are gone, its objects are not",
    "storage.between_objects": "one of its objects is gone, another one is not",
    "api.before_commit": "in api: the checkpoint's row is inserted, the transaction has not ended",
    "api.after_commit": "the transaction has ended, the agent has no answer",
    "deletion.before_objects": "in the scheduler: a checkpoint is marked as being deleted, nothing of it is gone",
    "deletion.before_row": "its objects are gone, its row is not",
}
_armed: dict[str, int] = {}


def arm(setting: str) -> None:
    """`name`, `name:3`, or several of them separated by commas. Raises ValueError for a name that is none."""
    for item in filter(None, setting.split(",")):
        name, _, count = item.partition(":")
        if name not in POINTS:
            raise ValueError(f"CRASH_AT: '{name}' is no crash point; known are {', '.join(POINTS)}")
        _armed[name] = int(count or 1)


def disarm() -> None:
    _armed.clear()


def crash_point(name: str) -> None:
    """Kill this process, as kill -9 would, if it is armed for this time at this point."""
    if name not in _armed:
        return
    _armed[name] -= 1
    if _armed[name] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
