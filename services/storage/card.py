"""What an exported checkpoint says of itself: config.json and the model card. Both are made from its own state.json."""

import json
from collections.abc import Sequence
from typing import Any, Final, Protocol

_LOAD: Final = """```python
import json, pathlib, torch
from safetensors.torch import load_file
from services.trainer.model import GPT          # of the Groundup repository
from shared.spec import ModelSpec

folder = pathlib.Path(".")
config = json.loads((folder / "config.json").read_text())
model = GPT(ModelSpec.model_validate(config["model"]), config["vocab_size"])
weights = {}
for file in sorted(folder.glob("model*.safetensors")):
    weights |= load_file(file)
model.load_state_dict(weights)
model.eval()
```"""


class Weights(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def sha256(self) -> str: ...


def config_of(state: dict[str, Any]) -> dict[str, Any]:
    """The architecture: all that is needed to build the model that the weights fit."""
    model = dict(state.get("spec", {}).get("model", {}))
    return {"model_type": f"groundup-{model.get('architecture', 'decoder')}", "vocab_size": state.get("vocab_size"), "model": model}


def model_card(state: dict[str, Any], manifest: dict[str, Any], weights: Sequence[Weights]) -> str:
    spec = dict(state.get("spec", {}))
    metrics = {name: value for name, value in dict(manifest.get("metrics", {})).items() if value is not None}
    facts = {
        "Run": f"`{spec.get('name')}` of project `{spec.get('project')}` (`{manifest.get('run_id')}`)",
        "Step": f"{manifest.get('step')} of {spec.get('train', {}).get('steps')}, {manifest.get('tokens')} tokens seen",
        "Data": f"`{_version(state, 'dataset', spec)}`",
        "Tokenizer": f"`{_version(state, 'tokenizer', spec)}`, {state.get('vocab_size')} tokens; Hugging Face's `tokenizer.json`",
    }
    told = "\n".join(f"| {name} | {value} |" for name, value in facts.items())
    measured = "\n".join(f"| {name} | {value:.6g} |" for name, value in sorted(metrics.items())) or "| none | |"
    hashes = "\n".join(f"- `{file.name}`: SHA-256 `{file.sha256}`" for file in weights)
    return f"""# {spec.get("name")}, step {manifest.get("step")}

A language model trained from scratch with Groundup.

| | |
|---|---|
{told}

## Metrics when it was saved
| metric | value |
|---|---|
{measured}

## Weights
{hashes}

`sha256sum -c SHA256SUMS` checks every file of this folder.

## How to load it
{_LOAD}

## The run's spec
```json
{json.dumps(spec, indent=2)}
```
"""


def _version(state: dict[str, Any], what: str, spec: dict[str, Any]) -> str:
    """As resolved when the run was submitted, where the checkpoint says so; else as the spec names it."""
    found = state.get("resolved", {}).get(what)
    return f"{found['name']}@{found['version']}" if isinstance(found, dict) else str(spec.get(what))
