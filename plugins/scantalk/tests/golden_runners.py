"""How each golden case of this plugin is computed."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lightning_face.audio import (
    SpeechEncoder,
    interpolate_features,
    load_audio,
    normalize_waveform,
)
from lightning_face.mesh import Mesh
from lightning_face.mesh.laplacian import cotangent_laplacian
from lightning_face.mesh.operators import SurfaceOperators, surface_operators
from lightning_face.mesh.tangent_frames import (
    cloud_normals,
    nearest_neighbours,
    tangent_frames,
    vertex_normals,
)
from lightning_face.metrics import talking_head
from lightning_face_scantalk.importer import (
    build_scantalk,
    infer_settings,
    network_state_dict,
    published_name,
)
from lightning_face_scantalk.losses import (
    kernel_loss,
    masked_loss,
    squared_error_loss,
    weighted_loss,
)
from lightning_face_scantalk.networks.diffusion_block import DiffusionNetBlock
from lightning_face_scantalk.networks.diffusion_net import DiffusionNet
from lightning_face_scantalk.networks.gradient_features import SpatialGradientFeatures
from lightning_face_scantalk.networks.learned_diffusion import LearnedTimeDiffusion
from lightning_face_scantalk.networks.mesh_operators import MeshOperators
from lightning_face_scantalk.networks.scantalk import ScanTalk

Config = dict[str, Any]
Tensors = dict[str, Tensor]

FRAME_RATES = {"vocaset": 30.0, "multiface": 30.0, "BIWI": 25.0}
DROPOUT = 0.5
METHODS = {"spectral": "spectral", "implicit_dense": "implicit"}


def run_operators(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    """Compute everything that does not depend on the signs and mixtures of eigenvectors."""
    faces = inputs.get("faces", torch.zeros(0, 3))
    mesh = Mesh(inputs["verts"].double().numpy(), faces.long().numpy())
    signal = inputs["signal"].double()
    operators = surface_operators(mesh, config["k_eig"])
    mass, evals, evecs = (
        each.double() for each in (operators.mass, operators.eigenvalues, operators.eigenbasis)
    )
    decay = torch.exp(-evals * inputs["times"].double()[:, None])
    rows = torch.repeat_interleave(torch.arange(len(mass)), operators.indptr.diff())
    found = {
        "mass": mass,
        "evals": evals,
        "heat": evecs @ (decay[:, :, None] * (evecs.T @ (mass[:, None] * signal))),
        "hks": evecs.square() @ decay.T,
        "grad_rows": rows,
        "grad_cols": operators.indices,
    }
    for axis, values in (("X", operators.gradient_x), ("Y", operators.gradient_y)):
        matrix = torch.sparse_csr_tensor(
            operators.indptr, operators.indices, values.double(), (len(mass), len(mass))
        )
        found |= {
            f"grad{axis}_vals": values,
            f"grad{axis}_signal": matrix @ signal,
            f"grad{axis}_diag": values[rows == operators.indices],
        }
    if len(mesh.faces):
        normals = vertex_normals(mesh.vertices, mesh.faces)
        laplacian, _ = cotangent_laplacian(mesh.vertices, mesh.faces)
        triplets = laplacian.tocoo()
        found |= {
            "L_rows": torch.from_numpy(triplets.row).long(),
            "L_cols": torch.from_numpy(triplets.col).long(),
            "L_vals": torch.from_numpy(triplets.data),
            "L_diag": torch.from_numpy(laplacian.diagonal()),
            "L_signal": torch.from_numpy(laplacian @ signal.numpy()),
            "nnz": torch.tensor([laplacian.nnz, len(operators.indices)]),
        }
    else:
        neighbours = nearest_neighbours(mesh.vertices, config["n_neighbors"])
        normals = cloud_normals(mesh.vertices, neighbours)
    frames = torch.from_numpy(tangent_frames(normals))
    found |= {"frames": frames, "frame_x": frames[:, 0], "normal_abs": frames[:, 2].abs()}
    along_x, along_y = found["gradX_signal"], found["gradY_signal"]
    found["grad_world"] = (
        frames[:, 0, :, None] * along_x[:, None] + frames[:, 1, :, None] * along_y[:, None]
    )
    return found


def run_operators_digest(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    found = run_operators(config, state, inputs)
    first = ("heat", "L_signal", "gradX_signal", "gradY_signal")
    return found | {name: found[name][..., 0] for name in first}


def run_audio_encoder(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    encoder = SpeechEncoder(config["hubert"]).eval()
    encoder.load_state_dict(state)
    rate = FRAME_RATES[config["dataset"]]
    with torch.inference_mode():
        return {"last_hidden_state": encoder(inputs["audio"], rate, config.get("frame_num"))}


def run_interpolate(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    features = inputs["features"]
    rates = config["output_fps"] / config["input_fps"] if "output_fps" in config else 1
    count = config.get("output_len") or int(features.shape[1] * rates)
    return {"out": interpolate_features(features, count)}


def run_normalise(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    waveform = inputs["waveform"]
    if not config["do_normalize"]:
        return {"input_values": waveform}
    values = normalize_waveform(waveform.flatten().numpy())
    return {"input_values": torch.from_numpy(values).reshape(waveform.shape)}


def run_load(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "recording.wav"
        pcm = np.atleast_2d(inputs["pcm"].numpy().astype(np.int16)).T
        soundfile.write(path, pcm, config["sample_rate"], subtype="PCM_16")
        return {"waveform": torch.from_numpy(load_audio(path))}


def mesh_operators(inputs: Tensors) -> list[MeshOperators]:
    """Read the operators of each mesh of a case, a batch of meshes or a single one."""
    mass, values, basis = (inputs[name] for name in ("mass", "evals", "evecs"))
    if mass.ndim == 1:
        mass, values, basis = mass[None], values[None], basis[None]
        inputs = {**inputs, "L": inputs["L"][None]} if "L" in inputs else inputs
    empty = torch.zeros(0, dtype=torch.int64)
    rows, columns = inputs.get("grad_rows", empty), inputs.get("grad_cols", empty)
    along_x, along_y = (inputs.get(f"grad{axis}_vals", empty.float()) for axis in "XY")
    batch = inputs.get("grad_batch", torch.zeros_like(rows))
    laplacians = inputs.get("L", [None] * len(mass))
    found = []
    for index, laplacian in enumerate(laplacians):
        entries = batch == index
        counts = torch.bincount(rows[entries], minlength=mass.shape[1])
        surface = SurfaceOperators(
            mass[index],
            values[index],
            basis[index],
            F.pad(counts.cumsum(0), (1, 0)),
            columns[entries],
            along_x[entries],
            along_y[entries],
        )
        found.append(MeshOperators.from_surface(surface, laplacian))
    return found


def load(network: nn.Module, state: Tensors) -> nn.Module:
    """Give a network, or a part of one, weights of published names."""
    network.load_state_dict(network_state_dict(network, state))
    return network.eval()


def run_diffusion(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    diffusion = LearnedTimeDiffusion(config["C_inout"], METHODS[config["method"]])
    load(diffusion, state)
    if "evals" not in inputs:
        batch, size = inputs["mass"].shape
        inputs = {**inputs, "evals": torch.zeros(batch, 1), "evecs": torch.zeros(batch, size, 1)}
    # in training the times are written back
    diffusion.train()
    with torch.no_grad():
        pairs = zip(inputs["x"], mesh_operators(inputs), strict=True)
        out = torch.stack([diffusion(signal, operators) for signal, operators in pairs])
    return {"out": out, "diffusion_time_after": diffusion.times.detach()}


def run_gradient_features(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    features = SpatialGradientFeatures(config["C_inout"], config["with_gradient_rotations"])
    load(features, state)
    with torch.no_grad():
        return {"out": features(inputs["vectors"].movedim(-1, 0))}


def block_settings(config: Config) -> dict[str, Any]:
    """Translate the settings that a block and a DiffusionNet have in common."""
    return {
        "hidden": config.get("mlp_hidden_dims"),
        "dropout": DROPOUT * bool(config.get("dropout")),
        "gradient_features": config.get("with_gradient_features", True),
        "gradient_rotations": config.get("with_gradient_rotations", True),
        "diffusion": METHODS[config.get("diffusion_method", "spectral")],
    }


def run_block(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    block = load(DiffusionNetBlock(config["C_width"], **block_settings(config)), state)
    # signals of one mesh are a batch without operators of their own
    meshes = mesh_operators(inputs)
    meshes = meshes * (len(inputs["x"]) // len(meshes))
    with torch.no_grad():
        pairs = zip(inputs["x"], meshes, strict=True)
        return {"out": torch.stack([block(signal, operators) for signal, operators in pairs])}


def run_diffusion_net(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    name = config.get("last_activation")
    softmax = {"softmax": F.softmax, "log_softmax": F.log_softmax}
    activation = None
    if name in softmax:
        activation = partial(softmax[name], dim=-1)
    elif name is not None:
        activation = getattr(torch, name)
    network = DiffusionNet(
        config["C_in"],
        config["C_out"],
        config["C_width"],
        config["N_block"],
        outputs_at=config.get("outputs_at", "vertices"),
        activation=activation,
        **block_settings(config),
    )
    load(network, state)
    elements = inputs.get("faces", inputs.get("edges"))
    signals, meshes = inputs["x"], mesh_operators(inputs)
    unbatched = signals.ndim == 2
    if unbatched:
        signals = signals[None]
    if elements is not None and elements.ndim == 2:
        elements = elements[None]
    out = []
    with torch.no_grad():
        for index, signal in enumerate(signals):
            its = None if elements is None else elements[index % len(elements)]
            out.append(network(signal, meshes[index % len(meshes)], its))
    return {"out": out[0] if unbatched else torch.stack(out)}


def make_scantalk(config: Config, state: Tensors) -> ScanTalk:
    """Build the network whose sizes are inferred from its weights, and check them."""
    settings = infer_settings(state, speech_config=config.get("hubert"))
    for name in ("latent_channels", "in_channels", "out_channels", "lstm_layers"):
        assert settings[name] == config[name], name
    network = build_scantalk(settings)
    load(network, state)
    return network


def run_temporal(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    width, latent = config["audio_hidden"], config["latent_channels"]
    parts = nn.ModuleDict(
        {
            "audio_embedding": nn.Linear(width, latent),
            "lstm": nn.LSTM(
                latent,
                latent // 2,
                config["lstm_layers"],
                batch_first=True,
                bidirectional=True,
            ),
        }
    )
    load(parts, state)
    with torch.no_grad():
        # the method of ScanTalk that uses these parts, and nothing else
        return {"latent": ScanTalk.encode_frames(parts, inputs["hidden_states"])}


def run_scantalk(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    network = make_scantalk(config, state)
    operators, vertices = mesh_operators(inputs)[0], inputs["actor"][0]
    signal = inputs.get("hks")
    frames = config.get("frame_num") if config["call"] == "forward" else None
    fps = FRAME_RATES[config["dataset"]]
    with torch.no_grad():
        if frames is None:
            animated = network.predict(inputs["audio"], vertices, operators, fps, signal)
        else:
            animated = network(inputs["audio"], vertices, operators, frames, signal)
        seen = vertices if signal is None else signal
        return {
            "vertices": animated,
            "vertex_features": network.encode_mesh(seen, operators)[None],
            "audio_latent": network.encode_speech(inputs["audio"], fps, frames)[None],
        }


def run_native_rate(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    network = make_scantalk(config, state)
    operators = mesh_operators(inputs)[0]
    return {"vertices": network.predict(inputs["audio"], inputs["actor"][0], operators, fps=None)}


def run_animate(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    network = make_scantalk(config, state)
    vertices = inputs["verts"].float()
    mesh = Mesh(vertices.double().numpy(), inputs["faces"].numpy())
    operators = surface_operators(mesh, num_eigenpairs=config["k_eig"])
    waveform = torch.from_numpy(normalize_waveform(inputs["waveform"].numpy()))
    fps = FRAME_RATES[config["dataset"]]
    return {"vertices": network.predict(waveform, vertices, operators, fps)}


def run_train_step(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    network = make_scantalk(config, state)
    # times are written back in training only; nothing else of these parts is random
    network.encoder.train()
    network.decoder.train()
    operators, vertices = mesh_operators(inputs)[0], inputs["actor"][0]
    target = inputs["target"]
    optimizer = torch.optim.Adam(network.parameters(), lr=config["lr"])
    losses, gradients = [], {}
    for _ in range(config["steps"]):
        pred = network(inputs["audio"], vertices, operators, len(target))
        if config["loss"] == "masked":
            loss = masked_loss(pred, target, inputs["mask"], velocity_axis="vertex")["loss"]
        else:
            loss = squared_error_loss(pred, target)["loss"]
        optimizer.zero_grad()
        loss.backward()
        losses.append(loss.detach())
        if not gradients:
            named = {published_name(k): p.grad for k, p in network.named_parameters()}
            gradients = {f"grad/{k}": named[k].clone() for k in config["report_grads"]}
        optimizer.step()
    named = {published_name(key): value.detach() for key, value in network.named_parameters()}
    params = {f"param/{key}": named[key] for key in config["report_params"]}
    return {"losses": torch.stack(losses), **gradients, **params}


def run_squared_error(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    return squared_error_loss(inputs["pred"], inputs["target"])


def run_masked(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    return masked_loss(inputs["pred"], inputs["target"], inputs["mask"], velocity_axis="vertex")


def run_weighted(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    weights = {f"{name}_weight": value for name, value in config["weights"].items()}
    return weighted_loss(
        inputs["pred"], inputs["target"], inputs["neutral"], inputs["mask"], **weights
    )


def mean_and_frames(per_frame: Tensor, name: str) -> Tensors:
    """Give a value for each frame and their mean."""
    return {name: per_frame.mean(), "per_frame": per_frame}


def run_chamfer(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    frames = talking_head.chamfer_distance(
        inputs["pred"], inputs["target"], inputs.get("target_lengths")
    )
    return mean_and_frames(frames, "loss")


def surfaces(inputs: Tensors) -> tuple[Tensor, ...]:
    """Give both sequences and their faces."""
    return tuple(inputs[name] for name in ("pred", "target", "pred_faces", "target_faces"))


def run_kernel_loss(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    frames = kernel_loss(
        *surfaces(inputs),
        config["kernel"],
        config["sigmas"],
        config.get("sigma_n", 0.5),
        config["scale_weights"],
    )
    return mean_and_frames(frames, "loss")


def run_varifold_loss(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    frames = talking_head.squared_varifold_distance(*surfaces(inputs), config["sigmas"])
    return mean_and_frames(frames, "loss")


def run_varifold(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    frames = talking_head.varifold_distance(*surfaces(inputs), config["sigmas"])
    return mean_and_frames(frames, "value")


def run_talking_head(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    lengths = inputs["lengths"].tolist()
    mve, lve = talking_head.MeanVertexError(), talking_head.LipVertexError()
    fdd, each = talking_head.UpperFaceDynamicsDeviation(), []
    parts = zip(
        inputs["pred"].split(lengths),
        inputs["gt"].split(lengths),
        inputs["templates"][inputs["subject"]],
        strict=True,
    )
    for pred, target, template in parts:
        mve.update(pred, target)
        lve.update(pred, target, inputs["lips"])
        fdd.update(pred, target, template, inputs["upper"])
        each.append(
            talking_head.upper_face_dynamics_deviation(pred, target, template, inputs["upper"])
        )
    deviation = fdd.compute()
    return {
        "mve": mve.compute(),
        "lve": lve.compute(),
        "fdd": deviation["signed"],
        "fdd_abs": deviation["absolute"],
        "fdd_each": torch.stack(each),
    }


def run_lip_dtw(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    metric = talking_head.LipDynamicTimeWarping()
    sequences = inputs["pred"], inputs["gt"], inputs["lips"]
    metric.update(*sequences)
    return {"total": talking_head.lip_dtw(*sequences), "per_frame": metric.compute()}


def run_lip_frechet(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    return {
        "value": talking_head.lip_frechet_distance(inputs["pred"], inputs["gt"], inputs["lips"])
    }


def run_mouth_opening(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    pred, target = inputs["pred"], inputs["gt"]
    lips = inputs["upper_lip"], inputs["lower_lip"]
    return {
        "opening_pred": talking_head.mouth_opening(pred, *lips),
        "opening_gt": talking_head.mouth_opening(target, *lips),
        **talking_head.compare_mouth_openings(pred, target, *lips),
    }


def run_lip_velocity(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    return talking_head.compare_lip_velocities(
        inputs["pred"], inputs["gt"], inputs["lips"], config["fps"]
    )


def run_hausdorff(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    frames = talking_head.hausdorff_distance(
        inputs["pred"], inputs["gt"], inputs.get("target_lengths")
    )
    return mean_and_frames(frames, "value")


RUNNERS = {
    "scantalk": run_scantalk,
    "scantalk/animate": run_animate,
    "scantalk/audio-encoder": run_audio_encoder,
    "scantalk/audio-load": run_load,
    "scantalk/audio-normalise": run_normalise,
    "scantalk/block": run_block,
    "scantalk/diffusion": run_diffusion,
    "scantalk/diffusionnet": run_diffusion_net,
    "scantalk/gradient-features": run_gradient_features,
    "scantalk/interpolate": run_interpolate,
    "scantalk/loss-chamfer": run_chamfer,
    "scantalk/loss-masked": run_masked,
    "scantalk/loss-mse": run_squared_error,
    "scantalk/loss-varifold": run_kernel_loss,
    "scantalk/loss-varifold-proper": run_varifold_loss,
    "scantalk/loss-weighted": run_weighted,
    "scantalk/native-rate": run_native_rate,
    "scantalk/operators": run_operators,
    "scantalk/operators-cloud": run_operators,
    "scantalk/operators-digest": run_operators_digest,
    "scantalk/temporal": run_temporal,
    "scantalk/train-step": run_train_step,
    "metrics/hausdorff": run_hausdorff,
    "metrics/lip-dfd": run_lip_frechet,
    "metrics/lip-dtw": run_lip_dtw,
    "metrics/lip-velocity": run_lip_velocity,
    "metrics/mouth-opening": run_mouth_opening,
    "metrics/talking-head": run_talking_head,
    "metrics/varifold": run_varifold,
}
