"""What is left when every run has ended and everything had time to clear up: whole checkpoints that the api knows, and nothing else."""

import contextlib
from collections.abc import Callable

from sqlalchemy import select

from services.api.checkpoint_models import Checkpoint
from services.api.models import Slot
from services.storage.models import CheckpointFile
from tests.chaos.platform import Platform
from tests.servers import wait_until

SECONDS = 60.0


def leftovers(platform: Platform) -> list[str]:
    """In words. The agent is started anew once more, as after a reboot."""
    platform.restart("agent") if "agent" in platform.running else platform.start("agent")
    looks: tuple[Callable[[Platform], list[str]], ...] = (in_run_directories, in_store, in_tables)

    def found() -> list[str]:
        return [line for look in looks for line in look(platform)]

    with contextlib.suppress(TimeoutError):
        wait_until(lambda: not found(), "nothing left", SECONDS)
    return found()


def in_run_directories(platform: Platform) -> list[str]:
    """Every attempt has ended, so no folder has a reason; the cache holds whole files, named by their hashes."""
    worker = platform.folder / "worker" / "chaos"
    folders = [f"a run directory: {folder.name}" for folder in (worker / "attempts").glob("*")]
    return folders + [f"a torn file: {path.name}" for path in (worker / "cache").glob("*.part")]


def in_store(platform: Platform) -> list[str]:
    """Files of rclone's folder that no committed checkpoint has, and the other way round."""
    with platform.api_tables.reading() as session:
        rows = list(session.scalars(select(Checkpoint)))
    wanted = {f"{row.run_id}/{row.id}/{file['name']}": int(file["bytes"]) for row in rows for file in row.files}
    root = platform.s3.folder / "groundup" / "checkpoints"
    there = {str(path.relative_to(root)): path.stat().st_size for path in root.rglob("*") if path.is_file()}
    unknown = [f"an object nobody knows: {name}" for name in there.keys() - wanted.keys()]
    return unknown + [f"an object that is gone or torn: {name}" for name, size in wanted.items() if there.get(name) != size]


def in_tables(platform: Platform) -> list[str]:
    with platform.api_tables.reading() as session:
        rows = list(session.scalars(select(Checkpoint)))
        taken = list(session.scalars(select(Slot.id).where(Slot.attempt_id.is_not(None))))
    with platform.storage_tables.reading() as session:
        files = {(file.checkpoint_id, file.name) for file in session.scalars(select(CheckpointFile))}
    wanted = {(row.id, file["name"]) for row in rows for file in row.files}
    found = [f"a half deleted checkpoint: {row.id}" for row in rows if row.deleted_by]
    found += [f"a taken slot: {slot}" for slot in taken]
    found += [f"storage's row of {name} of {checkpoint}" for checkpoint, name in files - wanted]
    return found + [f"no row in storage of {name} of {checkpoint}" for checkpoint, name in wanted - files]


def unverified(platform: Platform) -> list[str]:
    """Checkpoints in the table that do not read back as they were committed."""
    with platform.api_tables.reading() as session:
        ids = list(session.scalars(select(Checkpoint.id)))
    found = []
    for checkpoint_id in ids:
        answer = platform.person.post(f"/api/v1/checkpoints/{checkpoint_id}/verify").json()
        if answer.get("damage"):
            found.append(f"{checkpoint_id}: {answer['damage']}")
    return found
