"""How each golden case of the diffusion process and of whole systems is computed."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from lightning_face.callbacks.ema import warm_up_decay
from lightning_face_sis.data import cityscapes_classes
from lightning_face_sis.data.celebamask_classes import CLASS_NAMES
from lightning_face_sis.data.celebamask_split import list_prepared
from lightning_face_sis.data.dataset import LabelledImages, Labelling
from lightning_face_sis.data.transforms import Preprocessing
from lightning_face_sis.diffusion.inversion import invert, stochastic_encode
from lightning_face_sis.diffusion.noise_schedule import NoiseSchedule
from lightning_face_sis.diffusion.samplers import ddim_table
from lightning_face_sis.diffusion.sampling import denoise, sample
from lightning_face_sis.diffusion.timesteps import spaced_timesteps
from lightning_face_sis.diffusion_importer import load_published_diffusion
from lightning_face_sis.losses.denoising import DenoisingLoss, discard_styles
from lightning_face_sis.networks.semantic_diffusion import SemanticDiffusion
from lightning_face_sis.published_diffusion_names import diffusion_key_map

Config = dict[str, Any]
Tensors = dict[str, Tensor]

# the published code leads guidance away from nothing and counts timesteps in its own way
REFERENCE = {"unconditional": "zeros", "spacing": "reference"}


def system(config: Config, state: Tensors, weights: str = "raw") -> SemanticDiffusion:
    """Import the stored tensors as a file of the published code."""
    words = config["ldm"]
    unet = words["unet_config"]["params"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "last.ckpt"
        torch.save({"state_dict": state}, path)
        return load_published_diffusion(
            path,
            weights=weights,
            mask_attention=unet.get("use_mask_attn", False),
            head_dim=unet["num_head_channels"],
            parameterization=words.get("parameterization", "eps"),
            scale_factor=words.get("scale_factor", 1.0),
        )


def label_maps(inputs: Tensors, name: str = "label") -> Tensor:
    return inputs[name].unsqueeze(1)


def run_schedule(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    schedule = NoiseSchedule(config["timesteps"], config["linear_start"], config["linear_end"])
    found = dict(schedule.named_buffers())
    found["lvlb_weights"] = schedule.lvlb_weights(config.get("parameterization", "eps"))
    for steps in config["ddim_steps"]:
        timesteps = spaced_timesteps(schedule, steps, "reference")
        for eta in config["eta"]:
            table = ddim_table(schedule, timesteps, eta)
            found |= {
                f"ddim{steps}_eta{eta}/timesteps": table.timesteps,
                f"ddim{steps}_eta{eta}/sigmas": table.sigmas,
                f"ddim{steps}_eta{eta}/alphas": table.alphas,
                f"ddim{steps}_eta{eta}/alphas_prev": table.alphas_prev,
            }
    return found


def run_loss(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    words = config["ldm"]
    network = system(config, state).train()
    network.first_stage.requires_grad_(False)
    attention_weight = words.get("attn_loss_weight", 0.0)
    loss = DenoisingLoss(
        loss_type=words.get("loss_type", "l2"),
        simple_weight=words.get("l_simple_weight", 1.0),
        vlb_weight=words.get("original_elbo_weight", 0.0),
        attention_weight=attention_weight,
        attention_loss_type="l2" if words.get("attn_l2") else "bce",
    )
    labels, timesteps = label_maps(inputs), inputs["t"]
    images = discard_styles(inputs["image"], inputs["discard"])
    with torch.enable_grad():
        styles = network.encode_style(images, labels)
        terms = loss(network, inputs["z"], styles, labels, timesteps, inputs["noise"])
        terms.total.backward()
    found = {
        "context": styles,
        "x_noisy": network.schedule.add_noise(inputs["z"], inputs["noise"], timesteps),
        "loss_total": terms.total,
        "loss_logged": terms.total,
        "loss_simple_logged": terms.simple,
        "loss_vlb_logged": terms.vlb,
    }
    if terms.attention is not None:
        # the published code logs the term with its weight
        found["loss_attn_logged"] = attention_weight * terms.attention
    published = {ours: name for name, ours in diffusion_key_map(network).items()}
    gradients = {
        published[name]: torch.zeros_like(each) if each.grad is None else each.grad
        for name, each in network.named_parameters()
        if each.requires_grad
    }
    for name in config["grads"]:
        largest = gradients[name].abs().max()
        found[f"grad_unit/{name}"] = gradients[name] / largest.clamp_min(1e-20)
        found[f"gradmax_x1000/{name}"] = 1000 * largest
    for part in ("model", "cond_stage_model"):
        norms = [each.norm() for name, each in gradients.items() if name.startswith(f"{part}.")]
        found[f"gradnorm/{part}"] = torch.stack(norms).norm()
    return {name: value.detach() for name, value in found.items()}


def run_sampler(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    network = system(config, state)
    found = {}
    for name, run in config["runs"].items():
        steps = list(
            denoise(
                network,
                label_maps(inputs),
                inputs["context"],
                noise=inputs["x_T"],
                sampler=run.get("sampler", "ddim"),
                steps=run["S"],
                eta=run.get("eta", 0.0),
                step_noise=inputs[run["noise"]] if "noise" in run else None,
                guidance_scale=run.get("unconditional_guidance_scale", 1.0),
                quantize=run.get("quantize_x0", False),
                **REFERENCE,
            )
        )
        found[f"{name}/x"] = torch.stack([step.latents for step in steps])
        found[f"{name}/pred_x0"] = torch.stack([step.clean for step in steps])
    return found


def run_inversion(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    network, labels, styles = system(config, state), label_maps(inputs), inputs["context"]
    steps, up_to = config["S"], config["t_enc"]
    encoded = invert(network, inputs["z0"], labels, styles, steps=steps, up_to=up_to).noise
    total = len(spaced_timesteps(network.schedule, steps, "reference"))
    decoded = sample(
        network,
        labels,
        styles,
        noise=encoded,
        sampler="ddim",
        steps=steps,
        skip=total - up_to,
        **REFERENCE,
    )
    indices = inputs["t_stoch"].long().expand(len(labels))
    noisy = stochastic_encode(network.schedule, inputs["z0"], inputs["noise"], indices, steps=steps)
    return {"x_encoded": encoded, "x_decoded": decoded, "stochastic": noisy}


@torch.no_grad()
def run_checkpoint(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    found = {}
    for weights in ("raw", "ema"):
        network = system(config, state, weights)
        labels = label_maps(inputs)
        styles = network.encode_style(inputs["image"], labels)
        reference = network.encode_style(inputs["image_ref"], label_maps(inputs, "label_ref"))
        found |= {"context_src": styles, "context_ref": reference}
        found["z"] = network.encode(inputs["image"])
        parts = config["index_body_part"]
        edited = styles.index_copy(1, torch.tensor(parts), reference[:, parts])
        for name, scale in (("", config["scale"]), ("_scale1", 1.0)):
            latents = sample(
                network,
                labels,
                edited,
                noise=inputs["x_T"],
                sampler="ddim",
                steps=config["ddim_steps"],
                guidance_scale=scale,
                **REFERENCE,
            )
            found[f"latent_{weights}{name}"] = latents
            found[f"image_{weights}{name}"] = ((network.decode(latents) + 1) / 2).clamp(0, 1)
    return found


def run_ema(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    largest, averaged, each = config["decay"], [], inputs["start"].clone()
    for number, weights in enumerate(inputs["weights"]):
        decay = warm_up_decay(number, largest) if config["use_num_updates"] else largest
        each.lerp_(weights, 1 - decay)
        averaged.append(each.clone())
    return {"shadow": torch.stack(averaged)}


def run_dataset(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    size = config["size"]
    height, width = (size, size) if isinstance(size, int) else size
    with tempfile.TemporaryDirectory() as folder:
        for name, raw in (("images", inputs["image_raw"]), ("labels", inputs["label_raw"])):
            place = Path(folder) / "test" / name
            place.mkdir(parents=True)
            for number, pixels in zip(config["ids"], raw, strict=True):
                Image.fromarray(pixels.numpy()).save(place / f"{number}.png")
        data = LabelledImages(
            list_prepared(Path(folder), "test"),
            Preprocessing.to_size(height, width),
            Labelling(
                len(
                    cityscapes_classes.CLASS_NAMES
                    if config["class"] == "Cityscapes"
                    else CLASS_NAMES
                )
            ),
        )
        samples = [data[index] for index in range(len(data))]
    return {
        "image": torch.stack([sample["images"].permute(1, 2, 0) for sample in samples]),
        "label": torch.stack([sample["labels"][0] for sample in samples]),
    }


RUNNERS = {
    "sca-dm/checkpoint": run_checkpoint,
    "sca-dm/dataset": run_dataset,
    "sca-dm/ddim-inversion": run_inversion,
    "sca-dm/ema": run_ema,
    "sca-dm/loss": run_loss,
    "sca-dm/sampler": run_sampler,
    "sca-dm/schedule": run_schedule,
}
