"""This process's place among the processes that train together, and the few things they say to each other."""

import contextlib
import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Literal

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from services.trainer.state import Conditions

Precision = Literal["fp32", "bf16", "fp16"]
_COMPUTED_IN = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class World:
    """`size` processes, of which this one is number `rank` and computes on `device`. A world of one needs no process group."""

    rank: int = 0
    size: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    def replicate(self, model: nn.Module, example: Tensor) -> nn.Module:
        """The model, averaging its gradients over the world in every backward pass. `example`: any input for it.

        DDP puts gradients into other buckets after its first backward pass, and from three ranks on sums are rounded by their place in
        a bucket. So that a resumed run rounds as an undisturbed one does, that first pass is made here, and its gradients thrown away.
        """
        if self.size == 1:
            return model
        devices = [self.device] if self.device.type == "cuda" else None
        replica = DistributedDataParallel(model, device_ids=devices, forward_sync_buffers=False, gradient_as_bucket_view=True)
        replica(example).sum().backward()
        replica.zero_grad()
        return replica

    def synchronised(self, model: nn.Module, last: bool) -> AbstractContextManager[None]:
        """For one micro-batch: gradients are averaged after the `last` of a step; until then each rank adds up its own."""
        return model.no_sync() if isinstance(model, DistributedDataParallel) and not last else contextlib.nullcontext()

    def total(self, tensor: Tensor) -> Tensor:
        """The sum over all ranks, in place. The same bits on every rank."""
        if self.size > 1:
            dist.all_reduce(tensor)
        return tensor

    def from_first(self, data: bytes, size: int) -> bytes:
        """What rank 0 holds, `size` bytes of it, on every rank."""
        if self.size == 1:
            return data
        held = torch.frombuffer(bytearray(data), dtype=torch.uint8) if self.rank == 0 else torch.empty(size, dtype=torch.uint8)
        dist.broadcast(held, src=0)
        return held.numpy().tobytes()

    def gather(self, tensor: Tensor) -> list[Tensor]:
        """Every rank's tensor (of one shape, in host memory), by rank; empty on all ranks but 0."""
        if self.size == 1:
            return [tensor]
        held = [torch.empty_like(tensor) for _ in range(self.size)] if self.rank == 0 else []
        dist.gather(tensor, held or None)
        return held

    def wait(self) -> None:
        """Until every rank is here."""
        self.total(torch.zeros(1))

    def conditions(self) -> Conditions:
        cuda = self.device.type == "cuda"
        processor = torch.cuda.get_device_name(self.device) if cuda else torch.backends.cpu.get_cpu_capability()
        return Conditions(device=self.device.type, processor=processor, threads=torch.get_num_threads(), torch=torch.__version__)

    def autocast(self, precision: Precision) -> torch.autocast:
        return torch.autocast(self.device.type, _COMPUTED_IN[precision], enabled=precision != "fp32")


@contextlib.contextmanager
def join(device: Literal["cpu", "cuda"], environ: Mapping[str, str]) -> Iterator[World]:
    """The world that torchrun describes in `environ`; of one process where it says nothing."""
    rank, size = int(environ.get("RANK", "0")), int(environ.get("WORLD_SIZE", "1"))
    local_rank, local_size = int(environ.get("LOCAL_RANK", "0")), int(environ.get("LOCAL_WORLD_SIZE", "1"))
    world = World(rank, size, torch.device(device, local_rank) if device == "cuda" else torch.device(device))
    torch.set_num_threads(int(environ.get("OMP_NUM_THREADS") or max(1, available_cores() // local_size)))
    torch.set_float32_matmul_precision("highest")  # fp32 means fp32: no TF32
    if device == "cuda":
        torch.cuda.set_device(world.device)
    if size == 1:
        yield world
        return
    # Tensors in host memory always travel by gloo, so that a small message never waits for a GPU.
    dist.init_process_group("gloo" if device == "cpu" else "cpu:gloo,cuda:nccl")
    try:
        yield world
    finally:
        dist.destroy_process_group()


def available_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def choose_precision(wanted: Literal["auto", "fp32", "bf16", "fp16"], device: torch.device) -> Precision:
    """`auto`: bf16 on a GPU, where it is twice as fast and more; fp32 on a CPU, where it is exact and about as fast."""
    if wanted != "auto":
        return wanted
    return "bf16" if device.type == "cuda" else "fp32"
