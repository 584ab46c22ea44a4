"""What a checkpoint holds as tensors. Each part knows its own state, and whether what was read is it."""

from collections.abc import Iterator, Mapping
from typing import Final, Protocol

import torch
from torch import Tensor, nn

from services.trainer.container import Layout, layout

_ADAMW: Final = ("step", "exp_avg", "exp_avg_sq")


class Part(Protocol):
    """`tensors`: its state now, on any device, the very tensors and no copies; every rank asks at the same time, what rank 0 gets counts.

    `misfit` says what was expected and what was found, and nothing where it fits. `load` takes what fits, from host memory.
    """

    name: str

    def tensors(self) -> dict[str, Tensor]: ...
    def misfit(self, found: Mapping[str, Layout]) -> str: ...
    def load(self, tensors: Mapping[str, Tensor]) -> None: ...


class ModelPart:
    """Parameters and buffers by name."""

    def __init__(self, model: nn.Module) -> None:
        self.name, self.model = "model", model

    def tensors(self) -> dict[str, Tensor]:
        return dict(self.model.state_dict())

    def misfit(self, found: Mapping[str, Layout]) -> str:
        return difference({name: layout(tensor) for name, tensor in self.tensors().items()}, found)

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        self.model.load_state_dict(dict(tensors))


class OptimizerPart:
    """AdamW's state, as `<what>/<parameter name>`."""

    def __init__(self, optimizer: torch.optim.Optimizer, model: nn.Module) -> None:
        self.name, self.optimizer, self.model = "optimizer", optimizer, model

    def tensors(self) -> dict[str, Tensor]:
        return {f"{key}/{name}": self.optimizer.state[parameter][key] for name, parameter in self._parameters() for key in _ADAMW}

    def misfit(self, found: Mapping[str, Layout]) -> str:
        expected = {
            f"{key}/{name}": ("F32", ()) if key == "step" else layout(parameter) for name, parameter in self._parameters() for key in _ADAMW
        }
        return difference(expected, found)

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        for name, parameter in self._parameters():
            # Fused AdamW wants its step counter on the parameter's device, as it made it.
            self.optimizer.state[parameter] = {key: tensors[f"{key}/{name}"].to(parameter.device, copy=True) for key in _ADAMW}

    def _parameters(self) -> Iterator[tuple[str, nn.Parameter]]:
        return ((name, parameter) for name, parameter in self.model.named_parameters() if parameter.requires_grad)


def difference(expected: Mapping[str, Layout], found: Mapping[str, Layout]) -> str:
    """The first difference in words, and how many there are."""
    names = [name for name in sorted({*expected, *found}) if expected.get(name) != found.get(name)]
    if not names:
        return ""
    first = names[0]
    more = f" (and {len(names) - 1} more differences)" if len(names) > 1 else ""
    return f"{first}: expected {_words(expected.get(first))}, found {_words(found.get(first))}{more}"


def _words(layout: Layout | None) -> str:
    return f"{layout[0]} of shape {list(layout[1])}" if layout else "no such tensor"
