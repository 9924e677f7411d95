"""How each golden case of this plugin is computed."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch
from scipy import sparse
from torch import Tensor
from torch.nn import functional as F

from lightning_face.audio import interpolate_features, load_audio, normalize_waveform
from lightning_face.audio.pretrained_speech import current_key
from lightning_face.metrics import talking_head
from lightning_face_emovoca.data.emotions import NUM_EMOTIONS, NUM_INTENSITIES
from lightning_face_emovoca.data.variant_name import VariantName
from lightning_face_emovoca.emotional_generator import vertices_of_landmarks
from lightning_face_emovoca.hierarchy.mesh_hierarchy import MeshHierarchy
from lightning_face_emovoca.hierarchy.published_hierarchy import kept_vertices, upsampling_weights
from lightning_face_emovoca.hierarchy.spirals import (
    SpiralSettings,
    level_reference_points,
    shortest_paths,
    spiral_tables,
)
from lightning_face_emovoca.landmarks import LandmarkEmbedding, normalize_landmarks
from lightning_face_emovoca.losses.es2d_loss import es2d_loss
from lightning_face_emovoca.losses.es2l_loss import es2l_loss
from lightning_face_emovoca.metrics import VertexMaxSquaredError, vertex_max_squared_error
from lightning_face_emovoca.networks.de_sd import DESD
from lightning_face_emovoca.networks.es2d import ES2D
from lightning_face_emovoca.networks.es2l import ES2L
from lightning_face_emovoca.networks.row_tables import pooled_rows, upsampled_rows
from lightning_face_emovoca.networks.spiral_conv import SpiralConv
from lightning_face_emovoca.schedule import EmotionTrack, sawtooth

Config = dict[str, Any]
Tensors = dict[str, Tensor]


def sampling(inputs: Tensors, name: str, rows: int, columns: int) -> sparse.csc_array:
    row, column, value = (inputs[f"{name}.{part}"].numpy() for part in ("row", "col", "val"))
    return sparse.csc_array((value, (row, column)), shape=(rows, columns))


def samplings(config: Config, inputs: Tensors) -> tuple[list[Any], list[Any]]:
    """Read the vertices that pooling keeps and the weights of up-sampling, of each step."""
    steps = list(enumerate(zip(config["sizes"], config["sizes"][1:], strict=False)))
    down = [kept_vertices(sampling(inputs, f"D{i}", coarse, fine)) for i, (fine, coarse) in steps]
    up = [
        upsampling_weights(sampling(inputs, f"U{i}", fine, coarse)) for i, (fine, coarse) in steps
    ]
    return down, up


def hierarchy(config: Config, inputs: Tensors) -> MeshHierarchy:
    """Read the tables of a case, which has no meshes to go with them."""
    sizes = config["sizes"]
    return MeshHierarchy(
        [np.zeros((size, 3)) for size in sizes],
        [np.zeros((0, 3), np.int64) for _ in sizes],
        *samplings(config, inputs),
        [inputs[f"spiral{level}"].numpy().astype(np.int32) for level in range(len(sizes))],
    )


def widths(filters: list[list[Any]], optional_first: bool) -> list[list[int]]:
    """Put the widths of necessary and optional convolutions, level by level, into one list."""
    main, optional = filters
    levels = []
    for index, width in enumerate(main[1:]):
        extra = [optional[index if optional_first else index + 1] or 0]
        pair = [*extra, width] if optional_first else [width, *extra]
        levels.append([each for each in pair if each])
    return levels


def run_pooling(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    down, up = samplings(config, inputs)
    sizes, found = config["sizes"], {}
    for suffix, shifted in (("", False), ("_shift", True)):
        x = inputs[f"x{suffix}"]
        for step, kept in enumerate(down):
            rows = torch.from_numpy(pooled_rows(kept, sizes[step], shifted and step == 0))
            x = x[:, rows] * (rows >= 0)[:, None]
            found[f"down{step}{suffix}"] = x
        for step in reversed(range(len(up))):
            table = upsampled_rows(*up[step], sizes[step + 1], shifted and step == 0)
            rows, weights = map(torch.from_numpy, table)
            x = (x[:, rows] * weights[..., None].float()).sum(dim=2)
            found[f"up{step}{suffix}"] = x
    return found


def run_spiral_conv(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    spirals = inputs["spiral"].long()
    spirals = torch.where(spirals < 0, len(spirals) - 1, spirals)
    found = {}
    for activation in config["activations"]:
        conv = SpiralConv(config["in_c"], config["spiral_size"], config["out_c"], activation)
        conv.load_state_dict(state)
        with torch.inference_mode():
            found[f"out_{activation}"] = conv(inputs["x"], spirals)
    return found


def make_desd(config: Config, state: Tensors, inputs: Tensors) -> DESD:
    decoder = config["filters_dec"]
    network = DESD.from_hierarchy(
        hierarchy(config, inputs),
        latent_size=config["latent_size"],
        encoder_widths=widths(config["filters_enc"], optional_first=True),
        decoder_widths=[decoder[0][0], *widths(decoder, optional_first=False)],
        activation=config.get("activation", "elu"),
        level0_shift=True,
    )
    network.load_state_dict(state, strict=False)
    return network.eval()


@torch.inference_mode()
def run_desd(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    network = make_desd(config, state, inputs)
    talking, expression = inputs["x_talking"], inputs["x_emotional"]
    found = {
        "z_talking": network.encode_talking(talking),
        "z_emotional": network.encode_expression(expression),
    }
    for strength, intensity in config["index_pairs"]:
        mixed = network.mix(talking, expression, strength, intensity)
        found[f"mixture_t{strength}_e{intensity}"] = mixed
    found["talking"], found["emotional"] = network(talking, expression)
    if config["forward"]:
        for name in ("talking", "emotional"):
            found[f"forward_{name}_verts"] = found[name] + inputs["template"]
    if config["single"]:
        latents = network.encode_talking(talking), network.encode_talking(expression)
        found["mixture_single_encoder"] = network.decode(2 * latents[0], 2 * latents[1])
    return found


def run_spirals(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    levels = range(config["levels"])
    vertices = [inputs[f"verts{level}"].double().numpy() for level in levels]
    faces = [inputs[f"faces{level}"].long().numpy() for level in levels]
    settings = SpiralSettings(
        tuple(config["reference_points"]),
        tuple(config["step_sizes"]),
        None if config["dilation"] is None else tuple(config["dilation"]),
        config["counter_clockwise"],
        config["nb_stds"],
    )
    tables = spiral_tables(vertices, faces, settings)
    points = level_reference_points(vertices, settings.reference_points)
    found = {
        "spiral_sizes": torch.tensor([table.shape[1] for table in tables]),
        "reference_points": torch.from_numpy(np.stack(points)),
    }
    for level in levels:
        paths = shortest_paths(vertices[level], faces[level], points[level].tolist())
        # what no path leads to has -1 for both
        distances = [each if math.isfinite(each) else -1.0 for each in paths.distances]
        found |= {
            f"spiral{level}": torch.from_numpy(tables[level]),
            f"shortest_prev{level}": torch.tensor(paths.previous, dtype=torch.int32),
            f"shortest_dist{level}": torch.tensor(distances, dtype=torch.float64),
        }
    return found


def make_es2d(config: Config, state: Tensors, inputs: Tensors) -> ES2D:
    decoder = config["filters_dec"]
    network = ES2D.from_hierarchy(
        hierarchy(config, inputs),
        decoder_widths=[decoder[0][0], *widths(decoder, optional_first=False)],
        num_landmarks=config["nbr_landmarks"],
        activation=config.get("activation", "elu"),
    )
    network.load_state_dict(state, strict=False)
    return network.eval()


def run_es2d(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    network = make_es2d(config, state, inputs)
    landmarks = inputs["landmark_displacement"]
    with torch.inference_mode():
        displacement = network(landmarks)
        stages = network.dconv.stages(network.coarse_features(landmarks), network.tables)
        found = {
            f"stage{index}": F.pad(features.transpose(0, 1), (0, 0, 0, 1))
            for index, features in enumerate(stages)
        }
    vertices = displacement + inputs["template"]
    return found | {"vertex_displacement": displacement, "vertices": vertices}


@torch.inference_mode()
def run_compose(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    network = make_desd(config, state, inputs)
    template, neutral = inputs["template"], inputs["expression_neutral"]
    talking = network.encode_talking((inputs["talking_sequence"] - template).float())
    talking_terms = 2 * network.talking_terms(talking)
    found = {}
    for name in config["expressions"]:
        displacement = (inputs[f"expression_{name}"] - neutral).float()
        terms = network.expression_terms(network.encode_expression(displacement[None]))
        for intensity in config["intensities"]:
            displaced = network.decode_terms(talking_terms + intensity * terms)
            found[f"sequence_{name}_{intensity}"] = template + displaced
    return found


def run_metrics(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    mean, lips = talking_head.MeanVertexError(), talking_head.LipVertexError()
    dynamics, found = talking_head.UpperFaceDynamicsDeviation(), {}
    for index in range(config["sequences"]):
        template, target, pred = (inputs[f"{name}{index}"] for name in ("template", "gt", "pred"))
        worst = VertexMaxSquaredError()
        worst.update(pred, target)
        mean.update(pred, target)
        lips.update(pred, target, inputs["lip_idx"])
        dynamics.update(pred, target, template, inputs["upper_idx"])
        found[f"mve_vertexmax_sq_seq{index}"] = worst.compute()
    deviation = dynamics.compute()
    return found | {
        "mve": mean.compute(),
        "lve": lips.compute(),
        "fdd": deviation["signed"],
        "abs_fdd": deviation["absolute"],
    }


def make_es2l(config: Config, state: Tensors) -> ES2L:
    emotions, intensities = (
        state[f"{name}_mapper.weight"].shape[1] for name in ("label", "intensity")
    )
    network = ES2L(
        emotions,
        intensities,
        config["feature_dim"],
        config["num_layers"],
        num_landmarks=config["landmarks_dim"] // 3,
        speech_config=config["wav2vec2"],
    )
    network.load_state_dict({current_key(name): value for name, value in state.items()})
    return network.eval()


@torch.inference_mode()
def run_es2l(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    network = make_es2l(config, state)
    audio, template = inputs["audio"], inputs["template"]
    conditions = inputs["label"], inputs["intensity"]
    speech = network.encode_speech(audio)
    found = {
        "audio_features": speech[..., : config["crop_features"]],
        "predict": network.decode(speech, *conditions, template),
    }
    for count in config["frame_nums"]:
        found[f"forward_{count}"] = network(audio, *conditions, template, count)
    if config["schedule"]:
        ends = inputs["intensity_from"], inputs["intensity_to"]
        schedule = sawtooth(*ends, speech.shape[1], config.get("period", 15))
        found["predict_schedule"] = network.decode(
            speech, inputs["label"], schedule[None], template
        )
    return found


def run_es2l_loss(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    reconstruction, mouth, velocity = config["weights"]
    pred = inputs["predictions"].requires_grad_()
    terms = es2l_loss(
        pred, inputs["target"], slice(*config["mouth"]), mouth, velocity, reconstruction
    )
    terms["loss"].backward()
    return terms | {"total": terms["loss"], "grad_predictions": pred.grad}


def run_es2d_loss(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    pred = inputs["disp_pred"].requires_grad_()
    terms = es2d_loss(pred, inputs["disp"], inputs["loss_weights"], config["displacement_weight"])
    terms["loss"].backward()
    return terms | {
        "total": terms["loss"],
        "mve": vertex_max_squared_error(inputs["face_pred"], inputs["face"]).mean(),
        "grad_disp_pred": pred.grad,
    }


def run_es2d_train_step(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    network = make_es2d(config, state, inputs).train()
    optimizer = torch.optim.Adam(network.parameters(), lr=config["lr"])
    target = inputs["vertices"] - inputs["template"]
    losses = []
    for _ in range(config["steps"]):
        displacement = network(inputs["land_vertices"] - inputs["land_template"])
        loss = es2d_loss(displacement, target, inputs["loss_weights"])["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    parameters = dict(network.named_parameters())
    after = {f"after/{name}": parameters[name].detach() for name in config["watch"]}
    return {"losses": torch.stack(losses), **after}


def run_landmarks(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    row = config["angle"]
    triangles, weights = (
        np.concatenate([inputs[f"dynamic_{name}"][row], inputs[f"static_{name}"]])
        for name in ("face_idx", "b_coords")
    )
    embedding = LandmarkEmbedding.from_triangles(triangles, weights, inputs["faces"].numpy())
    landmarks = embedding.landmarks_of(inputs["vertices"])
    return {"landmarks_raw": landmarks, "landmarks": normalize_landmarks(landmarks)}


def run_audio(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "recording.wav"
        pcm = inputs["pcm16"].numpy()
        soundfile.write(path, pcm, config["sampling_rate"], subtype="PCM_16")
        sound = load_audio(path)
    features = inputs["features"]
    found = {
        f"interp_len{count}": interpolate_features(features, count)
        for count in config["output_lens"]
    }
    return found | {
        "mono16k": torch.from_numpy(sound),
        "input_values": torch.from_numpy(normalize_waveform(sound)),
        "interp_50_60": interpolate_features(features, int(features.shape[1] / 50.0 * 60)),
    }


def run_intensity_schedule(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    ends = inputs["label1"], inputs["label2"]
    return {"schedule": sawtooth(*ends, config["n_frames"], config["period"])}


@torch.inference_mode()
def run_generate(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    parts = [
        {
            name.removeprefix(prefix): value
            for name, value in state.items()
            if name.startswith(prefix)
        }
        for prefix in ("es2l.", "es2d.")
    ]
    still = inputs["template_landmarks"]
    landmarks = make_es2l(config, parts[0]).forward_long(
        inputs["input_values"][0], inputs["label"], inputs["intensity"], still.flatten().float()
    )
    landmarks = landmarks.unflatten(-1, (-1, 3))
    es2d = make_es2d(config, parts[1], inputs)
    frames = vertices_of_landmarks(es2d, landmarks, still.numpy(), inputs["template"].numpy())
    return {"landmarks": landmarks, "vertices": torch.from_numpy(np.concatenate(list(frames)))}


def run_naming(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    names = [VariantName.parse(name) for name in config["files"]]
    tracks = [EmotionTrack.constant({each.emotion.name: 1.0}, each.intensity, 1) for each in names]
    onehots = [track.conditions(NUM_EMOTIONS, NUM_INTENSITIES) for track in tracks]
    emotions, intensities = (torch.cat(each) for each in zip(*onehots, strict=True))
    return {
        "label": torch.tensor([each.label for each in names]),
        "intensity": torch.tensor([each.intensity for each in names]),
        "label_onehot": emotions,
        "intensity_onehot": intensities,
    }


RUNNERS = {
    "emovoca/audio": run_audio,
    "emovoca/compose": run_compose,
    "emovoca/desd": run_desd,
    "emovoca/es2d": run_es2d,
    "emovoca/es2d-loss": run_es2d_loss,
    "emovoca/es2d-train-step": run_es2d_train_step,
    "emovoca/es2l": run_es2l,
    "emovoca/es2l-loss": run_es2l_loss,
    "emovoca/generate": run_generate,
    "emovoca/intensity-schedule": run_intensity_schedule,
    "emovoca/landmarks": run_landmarks,
    "emovoca/metrics": run_metrics,
    "emovoca/naming": run_naming,
    "emovoca/pooling": run_pooling,
    "emovoca/spiral-conv": run_spiral_conv,
    "emovoca/spirals": run_spirals,
}
