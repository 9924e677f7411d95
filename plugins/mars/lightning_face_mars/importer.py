"""Published checkpoints of MARS, RaSa and ALBEF."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from lightning_face.checkpoint.importer import ImportedWeights, KeyMapReport, apply_key_map
from lightning_face.errors import ConfigError, WeightsError
from lightning_face_mars.networks.feature_queue import QUEUE_NAMES
from lightning_face_mars.networks.person_search import PersonSearchNetwork
from lightning_face_mars.networks.position_embedding import grid_side, resize_position_embedding
from lightning_face_mars.published_files import Notes, published_tensors, read_notes

__all__ = [
    "Method",
    "export_reference",
    "import_mars",
    "infer_settings",
    "inference_tensors",
    "initialize_from",
    "recognize",
]

PUBLISHED_WORDS = {"mars": 75, "rasa": 50}
"""Words of a caption that the published networks read."""

MODULE = "lightning_face_mars.modules.mars_module.MARSModule"

Method = Literal["mars", "rasa", "albef", "inference"]
"""What a file holds; ``inference`` is any method's network without what only training needs."""

# tensors that every checkpoint of the family has
SIGNATURE = (
    "visual_encoder.patch_embed.proj.weight",
    "visual_encoder.pos_embed",
    "text_encoder.bert.embeddings.word_embeddings.weight",
    "text_encoder.bert.encoder.layer.0.intermediate.dense.weight",
    "vision_proj.weight",
    "text_proj.weight",
    "itm_head.weight",
)

# tensors by which other checkpoints give themselves away
OTHER_MODELS = {
    "a checkpoint of this framework, which needs no import": r"^network\.visual_encoder\.",
    "ALBEF fine-tuned for answers to questions": r"^text_decoder\.",
    "BLIP": r"^text_encoder\.(embeddings|encoder\.layer)\.",
    "IRRA": r"^(base_model|cross_modal_transformer)\.",
    "APTM": r"^vision_encoder\.layers\.",
    "CLIP": r"^(visual\.conv1|visual\.transformer|visual\.class_embedding)|^vision_model\.",
    "BERT alone": r"^(bert\.)?(embeddings\.word_embeddings|encoder\.layer\.0)\.",
    "a vision transformer alone": r"^(cls_token$|blocks\.0\.attn\.qkv)",
    "an event ViT: import it as event-vit": r"^spatial_transformer\.layers\.0\.0\.temperature",
    "CA2-SIS: import it as ca2sis": r"(^|\.)encs\.encs\.0\.",
    "Mamba-ST: import it as mamba-st": r"\.self_attention\.A_logs$|^(mamba|decode)\.",
    "ScanTalk: import it as scantalk": r"(^|\.)encoder\.first_lin\.",
}

# names do not depend on the numbers of heads
_ANY_HEADS = Notes(vision_heads=1, text_heads=1, decoder_heads=1)
_POSITIONS = ("visual_encoder.pos_embed", "visual_encoder_m.pos_embed")

# what the network of this project has and ALBEF has not
_NOT_IN_ALBEF = ("prd_head.", "mrtd_head.", "idx_queue")


def import_mars(
    source: Path, *, image_size: int = 384, notes: Notes | None = None
) -> ImportedWeights:
    """Read a published checkpoint of MARS or RaSa, or that of ALBEF as a start for MARS.

    Which one it is, is told from the names of its tensors, and all sizes from their shapes but
    the numbers of heads, which leave no trace.

    Of ALBEF, position embeddings are interpolated to ``image_size``, and what it lacks keeps
    random values: cross attention in the lower layers, the reconstruction branch and the heads of
    RaSa's terms. Temperature and queues are taken over.

    Args:
        source: ``MARS_cuhk_checkpoint.pth`` or its like, ``ALBEF.pth``, or what
            ``lightning-face mars convert`` wrote.
        image_size: Side in pixels of the pictures that a start from ALBEF is for.
        notes: What the shapes do not tell, if it differs from the published networks; a converted
            file brings its own.

    Returns:
        Weights and settings of a `MARSModule`.

    Raises:
        WeightsError: The tensors belong to another model, or some are missing.
        CheckpointError: The file is missing, damaged, or needs code to be read.
    """
    source = Path(source)
    tensors = published_tensors(source)
    notes = notes or read_notes(source)
    try:
        method = recognize(tensors)
        settings = infer_settings(tensors, notes)
        if method == "albef":
            settings = {
                **settings,
                "image_size": image_size,
                "reconstruction": True,
                "bert": {**settings["bert"], "full_ca": True},
            }
            # parts that the file lacks are the same at every import
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)
                network = PersonSearchNetwork(**settings)
            report = _start(network, tensors)
            state = network.state_dict()
        else:
            with torch.device("meta"):
                network = PersonSearchNetwork(**settings)
            names = {name: name for name in tensors}
            state, report = apply_key_map(tensors, names, network.state_dict())
    except (WeightsError, ConfigError) as error:
        raise WeightsError(f"{source} is no complete checkpoint of MARS: {error}") from None
    return ImportedWeights(
        {f"network.{name}": tensor for name, tensor in state.items()},
        MODULE,
        {**settings, **_module_settings(method, settings, notes)},
        KeyMapReport(
            {name: f"network.{target}" for name, target in report.mapped.items()},
            [f"network.{name}" for name in report.missing],
            report.ignored,
            {f"network.{name}": shape for name, shape in report.shapes.items()},
        ),
    )


def _module_settings(method: Method, settings: Mapping[str, Any], notes: Notes) -> dict[str, Any]:
    """Give the arguments of a module that are not those of its network.

    What training needs has to be in the file, so that a file without the reconstruction branch
    goes on with the terms of RaSa, whatever its layers attend to.
    """
    searching_rasa = method == "inference" and not settings["bert"]["full_ca"]
    preset = "rasa" if method == "rasa" or searching_rasa else "mars"
    return {
        "preset": preset,
        "max_words": notes.max_words or PUBLISHED_WORDS[preset],
        "vocabulary": notes.vocabulary,
    }


def initialize_from(network: PersonSearchNetwork, source: Path) -> KeyMapReport:
    """Give a network the weights that a fine-tuning starts from.

    Position embeddings are interpolated to the network's pictures. What the file lacks keeps its
    value: of a start from ALBEF or RaSa the parts that are new, and queues of another size;
    momentum copies of new parts are made equal to the parts.

    Args:
        network: Network with all that training needs.
        source: Checkpoint of ALBEF, RaSa or MARS.

    Returns:
        What was taken and what was not.

    Raises:
        WeightsError: The tensors belong to another model or to other sizes.
        CheckpointError: The file is missing, damaged, or needs code to be read.
    """
    tensors = published_tensors(source)
    try:
        return _start(network, tensors)
    except (WeightsError, ConfigError) as error:
        raise WeightsError(f"{source} is no start for this network: {error}") from None


def _start(network: PersonSearchNetwork, tensors: Mapping[str, Tensor]) -> KeyMapReport:
    recognize(tensors)
    expected = network.state_dict()
    given = dict(tensors)
    for name in _POSITIONS:
        if name in given:
            side = grid_side(network.visual_encoder.num_patches)
            given[name] = resize_position_embedding(given[name], side)
    if given.get("image_queue", expected["image_queue"]).shape != expected["image_queue"].shape:
        for name in QUEUE_NAMES:
            given.pop(name, None)
    # the file's own network has no random part; what this one has besides keeps its values
    with torch.device("meta"):
        own = PersonSearchNetwork(**infer_settings(given, _ANY_HEADS))
    left_out = (*QUEUE_NAMES, *(_NOT_IN_ALBEF if recognize(given) == "albef" else ()))
    needed = {name for name in own.state_dict() if not name.startswith(left_out)}
    optional = expected.keys() - needed
    state, report = apply_key_map(given, {name: name for name in given}, expected, optional)
    network.load_state_dict(state, strict=False)
    for name in report.missing:
        if "_m." in name:
            expected[name].copy_(expected[name.replace("_m.", ".", 1)])
    return report


def recognize(tensors: Mapping[str, Any]) -> Method:
    """Tell what the names of a file's tensors belong to.

    Args:
        tensors: Tensors by published names.

    Raises:
        WeightsError: They belong to another model.
    """
    missing = [name for name in SIGNATURE if name not in tensors]
    if missing:
        raise WeightsError(f"it has no {missing[0]}: {_looks_like(tensors)}")
    if "temp" not in tensors:
        return "inference"
    if "mask_token" in tensors:
        return "mars"
    return "rasa" if "prd_head.weight" in tensors else "albef"


def infer_settings(tensors: Mapping[str, Tensor], notes: Notes | None = None) -> dict[str, Any]:
    """Read the arguments of a network off the shapes of its tensors.

    Args:
        tensors: Tensors by published names.
        notes: What the shapes do not tell. Without them heads of both encoders have 64 numbers
            each, and with cross attention in all layers fusion begins in the middle, as published.

    Returns:
        Arguments of `PersonSearchNetwork`.

    Raises:
        WeightsError: Tensors are missing, or their shapes fit no network.
    """
    notes = notes or Notes()
    method = recognize(tensors)
    width, _, patch_size, _ = tensors["visual_encoder.patch_embed.proj.weight"].shape
    bert = "text_encoder.bert."
    layer = f"{bert}encoder.layer."
    words, hidden = tensors[f"{bert}embeddings.word_embeddings.weight"].shape
    depth = _count(tensors, r"text_encoder\.bert\.encoder\.layer\.(\d+)\.")
    crossing = [
        number
        for number in range(depth)
        if f"{layer}{number}.crossattention.self.key.weight" in tensors
    ]
    if not crossing:
        raise WeightsError("its text encoder has no cross attention: it is that of BERT alone")
    settings: dict[str, Any] = {
        "image_size": patch_size * grid_side(tensors["visual_encoder.pos_embed"].shape[1] - 1),
        "patch_size": patch_size,
        "vision_width": width,
        "vision_depth": _count(tensors, r"visual_encoder\.blocks\.(\d+)\."),
        "vision_heads": notes.vision_heads or max(width // 64, 1),
        "bert": {
            "vocab_size": words,
            "hidden_size": hidden,
            "num_hidden_layers": depth,
            "num_attention_heads": notes.text_heads or max(hidden // 64, 1),
            "intermediate_size": len(tensors[f"{layer}0.intermediate.dense.weight"]),
            "max_position_embeddings": len(tensors[f"{bert}embeddings.position_embeddings.weight"]),
            "type_vocab_size": len(tensors[f"{bert}embeddings.token_type_embeddings.weight"]),
            "fusion_layer": crossing[0] or notes.fusion_layer or depth // 2,
            "encoder_width": tensors[f"{layer}{crossing[0]}.crossattention.self.key.weight"].shape[
                1
            ],
            "full_ca": crossing[0] == 0,
        },
        "embed_dim": len(tensors["vision_proj.weight"]),
        "reconstruction": method == "mars",
    }
    if method == "inference":
        return {**settings, "inference_only": True}
    if method == "mars":
        settings["decoder_depth"] = _count(tensors, r"visual_decoder\.blocks\.(\d+)\.")
        settings["decoder_heads"] = notes.decoder_heads
    if "image_queue" in tensors:
        settings["queue_size"] = tensors["image_queue"].shape[1]
    return settings


def _count(tensors: Iterable[str], pattern: str) -> int:
    numbers = [int(match[1]) for name in tensors if (match := re.match(pattern, name))]
    return max(numbers, default=-1) + 1


def inference_tensors(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Keep the tensors that a search needs: both encoders, their projections, the matching head.

    Args:
        state_dict: Tensors by published names.
    """
    parts = ("visual_encoder.", "text_encoder.bert.", "vision_proj.", "text_proj.", "itm_head.")
    return {name: value for name, value in state_dict.items() if name.startswith(parts)}


def export_reference(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Give weights their published names, the inverse of the import.

    The published code finds them under the key ``model`` of a checkpoint.

    Args:
        state_dict: Weights of a `PersonSearchNetwork`, or of a module that holds it as ``network``.

    Returns:
        Tensors by published names, tied ones under both.
    """
    if "network." + SIGNATURE[0] not in state_dict:
        return dict(state_dict)
    return {
        name.removeprefix("network."): value
        for name, value in state_dict.items()
        if name.startswith("network.")
    }


def _looks_like(names: Iterable[str]) -> str:
    names = list(names)
    for kind, pattern in OTHER_MODELS.items():
        if any(re.search(pattern, name) for name in names):
            return f"it looks like {kind}"
    return f"it looks like another model, with tensors such as {', '.join(sorted(names)[:3])}"
