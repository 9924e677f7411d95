"""How each golden case of this plugin is computed."""

from __future__ import annotations

import tempfile
from functools import partial
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from lightning_face.checkpoint.safe_load import load_tensors
from lightning_face.errors import DataError
from lightning_face.events import (
    EventArray,
    encode_tbr,
    event_count,
    frames_from_recording,
    read_events,
    tbr_legacy,
    time_surface,
    voxel_grid,
)
from lightning_face.events.dark_frame import dark_picture
from lightning_face.morphable import (
    LinearFaceModel,
    affine_camera,
    fit_landmarks,
    fit_video,
    read_face_model,
)
from lightning_face.testing.research_data import research_file
from lightning_face_eventvit.baseline_importer import infer_settings, recognise
from lightning_face_eventvit.baseline_importer import network_state_dict as baseline_state_dict
from lightning_face_eventvit.data.alignment import (
    event_motion,
    motion_offset,
    rgb_motion,
    shift_clip,
)
from lightning_face_eventvit.data.alpha_track import prepare_alphas
from lightning_face_eventvit.data.clip import prepare_clip
from lightning_face_eventvit.data.split import split_users
from lightning_face_eventvit.importer import (
    build_fusion,
    fusion_state_dict,
    infer_config,
    network_state_dict,
)
from lightning_face_eventvit.losses import alpha_loss, privileged_loss
from lightning_face_eventvit.metrics import BatchwiseClassification
from lightning_face_eventvit.networks.baselines import BASELINES, REFERENCE_NAMES
from lightning_face_eventvit.networks.event_vit import EventViT
from lightning_face_eventvit.networks.feed_forward import FeedForward
from lightning_face_eventvit.networks.locality_self_attention import LocalitySelfAttention
from lightning_face_eventvit.networks.shifted_patch_tokenization import ShiftedPatchTokenizer
from lightning_face_eventvit.networks.transformer import SpatialTransformer, TemporalTransformer

Config = dict[str, Any]
Tensors = dict[str, Tensor]


SIZES = {*signature(EventViT).parameters} | {"event_channels", "rgb_channels"}


def published_weights(config: Config) -> Tensors:
    """Read the files that ``config.weights`` names, each below its prefix."""
    weights = config.get("weights") or {}
    files = {"": weights} if isinstance(weights, str) else weights
    tensors = {}
    for prefix, name in files.items():
        file = research_file(name.removeprefix("data/"))
        if file is None:
            raise DataError(f"the published weights {name} are not at hand")
        tensors |= {prefix + key: value for key, value in load_tensors(file).items()}
    return tensors


def prepared(config: Config, clip: Tensor) -> Tensor:
    """Put zero frames in front of a clip where the case asks for it."""
    missing = config.get("pad_front_to", clip.shape[1]) - clip.shape[1]
    return pad(clip, (0, 0, 0, 0, 0, 0, missing, 0))


def make_event_vit(config: Config, state: Tensors) -> EventViT:
    """Build the network whose sizes are inferred from its weights, and check them."""
    settings = infer_config(state, dim_head=config["dim_head"], image_size=config["image_size"])
    for name, value in settings.items():
        assert value == config.get(name, value), name
    network = EventViT(**settings)
    network.load_state_dict(network_state_dict(state))
    return network.eval()


def run_event_vit(
    config: Config, state: Tensors, inputs: Tensors, dtype: torch.dtype = torch.float64
) -> Tensors:
    # in single precision the weights of some cases turn the rounding of either formulation into
    # as much as the tolerance
    network = make_event_vit(config, {**state, **published_weights(config)}).to(dtype)
    clip = prepared(config, inputs["clip"])
    if clip.is_floating_point():
        clip = clip.to(dtype)
    with torch.no_grad():
        tokens = network.frame_tokens(clip)
        return {
            "logits": network(clip),
            "features": network.temporal_features(tokens),
            "frame_tokens": tokens,
        }


def run_shifted_patch_tokenization(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    tokenizer = ShiftedPatchTokenizer(config["dim"], config["patch_size"], config["channels"])
    tokenizer.load_state_dict(state)
    with torch.no_grad():
        return {"tokens": tokenizer.eval()(inputs["clip"])}


def run_locality_self_attention(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    sizes = (config[name] for name in ("dim", "heads", "dim_head", "dropout"))
    attention = LocalitySelfAttention(*sizes)
    attention.load_state_dict(state)
    with torch.no_grad():
        return {"out": attention.eval()(inputs["tokens"])}


def run_feed_forward(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    feed_forward = FeedForward(config["dim"], config["hidden_dim"], config["dropout"])
    feed_forward.load_state_dict(state)
    with torch.no_grad():
        return {"out": feed_forward.eval()(inputs["tokens"])}


def run_transformer(
    transformer_class: type[SpatialTransformer | TemporalTransformer],
    config: Config,
    state: Tensors,
    inputs: Tensors,
) -> Tensors:
    names = ("dim", "depth", "heads", "dim_head", "mlp_dim")
    transformer = transformer_class(*(config[name] for name in names), dropout=0.0)
    transformer.load_state_dict(state)
    with torch.no_grad():
        return {"out": transformer.eval()(inputs["tokens"])}


def run_fusion(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    kind = {"pi_rgb": "privileged-rgb", "pi_event": "privileged-event"}.get(
        config["fusion"], config["fusion"]
    )
    state = {**state, **published_weights(config)}
    network = build_fusion(kind, {key: config[key] for key in config if key in SIZES})
    network.load_state_dict(fusion_state_dict(kind, state))
    event, rgb = (prepared(config, inputs[name]) for name in ("event", "rgb"))
    with torch.no_grad():
        output = network.eval()(event, rgb)
    values = {"out": output.logits, **output._asdict()}
    return {name: value for name, value in values.items() if value is not None}


def run_baseline(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    name = recognise(state)
    assert name == REFERENCE_NAMES[config["class"]]
    settings = infer_settings(
        name,
        state,
        patch_size=config.get("image_patch_size"),
        frame_patch_size=config.get("frame_patch_size"),
    )
    for key, value in settings.items():
        assert value == config.get(key, value), key
    network = BASELINES[name](**settings)
    network.load_state_dict(baseline_state_dict(name, state))
    with torch.no_grad():
        # a case lists its inputs in the order of the network's arguments
        output = network.eval()(*inputs.values())
    if isinstance(output, Tensor):
        return {"logits": output}
    return output._asdict()


def make_events(config: Config, inputs: Tensors) -> EventArray:
    """Put the arrays of a case together."""
    arrays = {name: inputs[name].numpy() for name in ("t", "x", "y", "p")}
    return EventArray.from_arrays(**arrays, height=config["height"], width=config["width"])


def run_encode_tbr(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    return {"frame": torch.from_numpy(encode_tbr(inputs["bits"].numpy()))}


def run_tbr_legacy(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    return {"frames": torch.from_numpy(tbr_legacy(inputs["bits"].numpy(), config["bits"]))}


def run_recording_frames(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    options = {"num_bits": config["bits"]} if "bits" in config else {}
    if "slice_us" in config:
        options["slice_us"] = config["slice_us"]
    recording = frames_from_recording(
        make_events(config, inputs),
        inputs["rgb_us"].numpy(),
        config["representation"],
        alignment="legacy",
        step_us=config["iter_us"],
        **options,
    )
    frames = recording.frames
    if config["representation"] == "dark":
        # colour planes of the published files lie in the order blue, green, red
        frames = dark_picture(frames)[..., ::-1].copy()
    return {
        "frame_id": torch.from_numpy(recording.numbers),
        "frames": torch.from_numpy(frames),
    }


def run_event_count(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    return {"frame": torch.from_numpy(event_count(make_events(config, inputs)))}


def run_voxel_grid(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    window = config["t_start"], config["t_end"]
    return {
        "voxel": torch.from_numpy(voxel_grid(make_events(config, inputs), config["bins"], *window))
    }


def run_time_surface(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    surface = time_surface(make_events(config, inputs), config["t_ref"], config["tau_us"])
    return {"surface": torch.from_numpy(surface)}


def run_decode(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "recording"
        file.write_bytes(inputs["file"].numpy().tobytes())
        events = read_events(file, shift_time=config["shift_time"])
    return {name: torch.from_numpy(getattr(events, name).astype("int64")) for name in "xypt"}


def run_clip(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    clip = prepare_clip(
        inputs["frames"].numpy(),
        config["modality"],
        (config["start"], config["end"]),
        config["max_len"],
        config["size"],
    )
    step = config["keep_every"]
    return {"clip": torch.from_numpy(clip)[..., ::step, ::step]}


def run_misalign(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    clip = shift_clip(inputs["frames"].numpy(), config["shift"], config["max_len"], mode="legacy")
    return {"clip": torch.from_numpy(clip)}


def run_motion_offset(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    event = event_motion(inputs["event"].numpy())
    rgb = rgb_motion(inputs["rgb"].numpy())
    return {
        "event_motion": torch.from_numpy(event)[:, None],
        "rgb_motion": torch.from_numpy(rgb),
        "offset": torch.tensor([motion_offset(event, rgb, config["window"])]),
    }


def run_alpha_track(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    window = config["start"], config["end"]
    valid = inputs["valid"].numpy().astype(bool)
    track = prepare_alphas(inputs["alphas"].numpy(), valid, window, config["max_len"])
    return {"alpha": torch.from_numpy(track)}


def run_split(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    users = config["users"]
    train, test = split_users(users)
    return {
        "train": torch.tensor([users.index(user) for user in train]),
        "test": torch.tensor([users.index(user) for user in test]),
    }


def run_privileged_loss(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    return privileged_loss(**inputs)


def run_alpha_loss(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    everywhere = torch.ones_like(inputs["valid"])
    return {
        "mse": alpha_loss(inputs["pred"], inputs["target"], everywhere.bool()),
        "masked_mse": alpha_loss(inputs["pred"], inputs["target"], inputs["valid"].bool()),
    }


def run_classification_metrics(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    metric = BatchwiseClassification(
        config["num_classes"], config["batch_size"], config["drop_last"]
    )
    metric.update(inputs["logits"], inputs["labels"])
    return metric.compute()


def face_model(inputs: Tensors) -> LinearFaceModel:
    """Read the published bases, with the mean face of the case."""
    bases = research_file("facemorphic/3dmm_d3dfacs.npz")
    if bases is None:
        raise DataError("the published face bases are not at hand")
    with tempfile.TemporaryDirectory() as folder:
        mean = Path(folder) / "mean.npz"
        np.savez(mean, vertices=inputs["mean"].numpy())
        return read_face_model(bases, mean)


def run_deform(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    model = face_model(inputs)
    coefficients = {config["basis"]: inputs["alpha"].numpy()}
    return {"shape": torch.from_numpy(model.face(**coefficients))}


def run_pose(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    points = inputs["model"].numpy()
    camera = affine_camera(points, inputs["image"].numpy())
    values = {"A": camera.matrix, "t": camera.translation, "projected": camera.project(points)}
    return {name: torch.from_numpy(value) for name, value in values.items()}


def run_landmark_fit(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    model = face_model(inputs)
    fit = fit_landmarks(
        inputs["landmarks"].numpy(),
        model.mean,
        getattr(model, config["basis"]),
        model.landmarks[config["landmarks"]],
        regularization=config["lambda"],
        rounds=config["rounds"],
        translate_components=True,
    )
    values = {
        "alpha": fit.coefficients,
        "shape": fit.shape,
        "A": fit.camera.matrix,
        "t": fit.camera.translation,
    }
    return {name: torch.from_numpy(value) for name, value in values.items()}


def run_video_fit(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    model = face_model(inputs)
    fit = fit_video(
        inputs["landmarks"].numpy(),
        model,
        model.landmarks[config["landmarks"]],
        regularization=config["lambda"],
        rounds=config["rounds"],
        translate_components=True,
    )
    values = {
        "identity_alpha": fit.identity,
        "identity_shape": fit.identity_shape,
        "alphas": fit.expression,
    }
    return {name: torch.from_numpy(value) for name, value in values.items()}


RUNNERS = {
    "eventvit": run_event_vit,
    "eventvit/spt": run_shifted_patch_tokenization,
    "eventvit/lsa": run_locality_self_attention,
    "eventvit/feedforward": run_feed_forward,
    "eventvit/spatial-transformer": partial(run_transformer, SpatialTransformer),
    "eventvit/temporal-transformer": partial(run_transformer, TemporalTransformer),
    "eventvit/fusion": run_fusion,
    "eventvit/baseline": run_baseline,
    "events/tbr-encode": run_encode_tbr,
    "events/tbr-incremental": run_tbr_legacy,
    "events/recording-frames": run_recording_frames,
    "events/count": run_event_count,
    "events/voxel-grid": run_voxel_grid,
    "events/time-surface": run_time_surface,
    "events/decode": run_decode,
    "3dmm/deform": run_deform,
    "3dmm/pose": run_pose,
    "3dmm/fit": run_landmark_fit,
    "3dmm/video": run_video_fit,
    "data/clip": run_clip,
    "data/misalign": run_misalign,
    "data/motion-offset": run_motion_offset,
    "data/alpha": run_alpha_track,
    "data/split": run_split,
    "loss/privileged": run_privileged_loss,
    "loss/alpha": run_alpha_loss,
    "metrics/classification": run_classification_metrics,
}
