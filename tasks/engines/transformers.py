"""Load networks of Hugging Face transformers from folders on this machine."""

from __future__ import annotations

from typing import Any

PROCESSOR_AND_NETWORK = (
    "config.json",
    "processor_config.json",
    "preprocessor_config.json",
    "chat_template*",
    "tokenizer*",
    "vocab.json",
    "merges.txt",
    "special_tokens_map.json",
    "added_tokens.json",
    "model*.safetensors*",
)
"""Files of a network that takes text and sound, of which a repository may hold others."""
ESSENTIAL = ("config.json", "processor_config.json", "*.safetensors")


def load_network(folder: str, kind: str, network: str, device: str, precision: str = "float32") -> tuple[Any, Any]:
    """Load the processor and the network of a folder with safetensors, for inference: (processor, network).

    `kind`: the `model_type` that its config.json must have; `network`: transformers' class of it; `precision`: a
    floating-point type of torch. Nothing is fetched, and no pickle opened. Raises ValueError where the folder is of
    another kind, or its weights were made for another class of it, which this one would fill up with random ones.
    """
    import torch
    import transformers
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()  # of loading: a terminal shows one of the run
    config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True)
    if config.model_type != kind:
        raise ValueError(f"{folder}: a model of type {config.model_type}, and no {kind}")
    named = [name for name in config.architectures or () if hasattr(transformers, name)]
    if named and network not in named:
        raise ValueError(f"{folder}: a {', '.join(named)}, and no {network}")
    processor = transformers.AutoProcessor.from_pretrained(folder, local_files_only=True)
    loaded = getattr(transformers, network).from_pretrained(
        folder, local_files_only=True, use_safetensors=True, dtype=getattr(torch, precision)
    )
    return processor, loaded.eval().to(device)
