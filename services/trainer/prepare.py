"""Fills the run directory: the order, the tokens, the tokenizer, and the checkpoint to go on from. Safe to repeat."""

import contextlib
import logging
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Event

from services.trainer.host import Host
from services.trainer.patience import UNREADABLE_SECONDS, patiently
from services.trainer.rundir import AttemptOrder, RunDirectory, TokenFiles, write_whole
from services.trainer.transfers import Damaged, Transfers, file_name, link
from shared.conversation import CheckpointDamage, CheckpointRef, Claim
from shared.errors import EnvironmentFault, GroundupError, NotFound, Stale, UserError
from shared.internal import Located, TokenShards

log = logging.getLogger(__name__)


def prepare(host: Host, claim: Claim, directory: RunDirectory, transfers: Transfers, tell: Callable[[str], None]) -> CheckpointRef | None:
    """The checkpoint to go on from; None for a fresh start. `tell` gets lines for the run.

    Raises EnvironmentFault where another try may help; Damaged, Halted, GaveUp, UserError where not.
    """
    shards = host.storage.token_shards(claim.prepared_id)
    _fetch_tokens(shards, directory, transfers, host.cache)
    restored = _restore(host, claim, directory, transfers, tell)
    order = AttemptOrder(
        run_id=claim.run_id,
        attempt=claim.attempt,
        fence=claim.fence,
        spec=claim.spec,
        device=claim.slots[0].device,
        data=_token_files(shards),
        checkpoint=restored.files if restored else [],
        journal=claim.journal,
        spool_bytes=host.settings.spool_bytes,
    )
    write_whole(directory.order, order.model_dump_json(indent=1))
    return restored


def restored_of(claim: Claim, order: AttemptOrder) -> CheckpointRef | None:
    """The checkpoint that was chosen when the run directory was filled."""
    return next((each for each in claim.checkpoints if each.files == order.checkpoint), None) if order.checkpoint else None


def _fetch_tokens(shards: TokenShards, directory: RunDirectory, transfers: Transfers, cache: Path) -> None:
    directory.tokens.mkdir(exist_ok=True)
    for shard in shards.shards:
        link(transfers.fetch_cached(shard, cache), directory.tokens / file_name(shard.name))
    link(transfers.fetch_cached(shards.tokenizer, cache), directory.tokenizer)


def _token_files(shards: TokenShards) -> TokenFiles:
    return TokenFiles(
        dtype=shards.dtype,
        tokens=shards.tokens,
        vocab_size=shards.vocab_size,
        end_of_text=shards.end_of_text,
        token_bytes=shards.token_bytes,
        files=[shard.name for shard in shards.shards],
    )


def _restore(host: Host, claim: Claim, directory: RunDirectory, transfers: Transfers, tell: Callable[[str], None]) -> CheckpointRef | None:
    """Fetch the newest checkpoint that can be read and is right; None where there is none to go on from.

    Wrong bytes are reported to api. A run that has checkpoints never starts from scratch because none of them serves: then raises
    EnvironmentFault where one may be read another time, else Damaged.
    """
    unreadable: EnvironmentFault | None = None
    refused: list[str] = []
    for checkpoint in claim.checkpoints:
        name = f"the checkpoint of step {checkpoint.step} ({checkpoint.id})"
        # Only the first one that cannot be read is waited for: an outage that ends meanwhile must not cost the newest.
        seconds = 0 if unreadable else UNREADABLE_SECONDS
        try:
            patiently(partial(_fetch, host, checkpoint, directory, transfers), f"fetching {name}", transfers.interrupt, seconds=seconds)
        except (Damaged, UserError) as error:
            refused.append(f"{name}: {error}")
            tell(f"{name} cannot be used, trying the one before: {error}")
            if isinstance(error, Damaged):
                report_damage(host, claim, checkpoint, str(error), transfers.interrupt)
        except EnvironmentFault as error:
            unreadable = unreadable or error
            tell(f"{name} cannot be read, trying the one before: {error}")
        else:
            log.info("%s goes on from step %d (%s)", claim.attempt_id, checkpoint.step, checkpoint.id)
            return checkpoint
        shutil.rmtree(directory.restore, ignore_errors=True)
    if unreadable:
        raise unreadable
    if refused:
        raise Damaged(
            f"none of its {len(refused)} checkpoints can be used; {'; '.join(refused)}",
            remedy="look after the store, verify the checkpoints, or submit the run anew to train from its first step",
        )
    return None


def report_damage(host: Host, claim: Claim, checkpoint: CheckpointRef, reason: str, interrupt: Event) -> bool:
    """Have a checkpoint marked; whether api took it. Raises Stale, GaveUp; else training does not depend on it."""
    damage = CheckpointDamage(worker=host.settings.name, fence=claim.fence, checkpoint_id=checkpoint.id, reason=reason)
    what = f"reporting that {checkpoint.id} is damaged"
    try:
        patiently(lambda: host.api.report_damage(claim.attempt_id, damage), what, interrupt, seconds=UNREADABLE_SECONDS)
    except Stale:
        raise
    except GroundupError as error:
        log.error("%s: %s", what, error)
        return False
    return True


def _fetch(host: Host, checkpoint: CheckpointRef, directory: RunDirectory, transfers: Transfers) -> None:
    copies = local_copies(host.attempts_folder, checkpoint.step)
    transfers.fetch_folder(_locate(host, checkpoint), directory.restore, copies)


def _locate(host: Host, checkpoint: CheckpointRef) -> list[Located]:
    """Storage says where the files are; what they must be is what the commit said."""
    urls = {place.name: place.url for place in host.storage.presign_checkpoint(checkpoint)}
    if missing := [file.name for file in checkpoint.files if file.name not in urls]:
        raise NotFound(f"storage does not have {', '.join(missing)}", remedy="verify the checkpoint")
    return [Located(name=file.name, bytes=file.bytes, sha256=file.sha256, url=urls[file.name]) for file in checkpoint.files]


def local_copies(attempts_folder: Path, step: int) -> list[Path]:
    """Folders of this host that may hold the checkpoint of a step; only their hashes can tell. They may go at any moment."""
    found: list[Path] = []
    for attempt in attempts_folder.iterdir():
        with contextlib.suppress(FileNotFoundError):
            found += [folder for folder in (attempt / "checkpoints").glob("step_*") if checkpoint_step(folder) == step]
    return found


def checkpoint_step(folder: Path) -> int | None:
    """The step of a finished checkpoint's folder; None for any other."""
    number = folder.name.removeprefix("step_")
    return int(number) if folder.is_dir() and number.isdigit() else None
