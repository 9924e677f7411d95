"""``lightning-face eventvit attention``: where the network looks."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import numpy as np
import torch

from lightning_face.checkpoint.atomic import atomic_path
from lightning_face.cli.device import choose_device
from lightning_face.errors import ConfigError
from lightning_face.video import write_video
from lightning_face_eventvit.commands.model import load_event_vit
from lightning_face_eventvit.data.event_clips import EventClipsDataModule
from lightning_face_eventvit.networks.attention_maps import (
    attention_rollout,
    class_attention,
    temporal_attention,
)
from lightning_face_eventvit.predictions.attention_sheet import attention_sheet, heat_picture
from lightning_face_eventvit.predictions.names import readable_name, top_classes

__all__ = ["run"]

_GIF_SIDE = 224


def run(options: Namespace) -> int:
    """Draw the attention of the class tokens over one clip of each source.

    Args:
        options: Arguments of the verb.

    Returns:
        Exit status.

    Raises:
        ConfigError: If an option is out of range.
        DataError: If a source cannot be read.
        WeightsError: If the weights belong to another model.
    """
    if options.columns < 1:
        raise ConfigError(f"--columns {options.columns} is below 1")
    model = load_event_vit(options.weights, "attention")
    model.to(choose_device(options.device))
    for source in options.source:
        data = EventClipsDataModule(
            source=source,
            num_frames=options.num_frames,
            stride=1,
            representation=options.representation,
            frame_rate=options.frame_rate,
            resize=options.resize,
            errors="salvage" if options.salvage else "raise",
        )
        clips = data.clips(model)
        stored = clips.stored[0]
        if not 0 <= options.start < stored.times[-1]:
            raise ConfigError(
                f"--start {options.start:g} lies outside {source}, which has "
                f"{stored.times[-1]:.2f} seconds"
            )
        first = min(int(np.searchsorted(stored.times, options.start - 1e-9)), len(clips) - 1)
        sample = clips[first]
        clip = sample[clips.settings.modality].to(model.device)[None]
        valid = sample["frame_valid"].to(model.device)[None]
        hidden = valid if model.hparams["mask_padding"] else None
        with torch.inference_mode():
            scores = model.network(clip, hidden)[0].float().softmax(dim=0).cpu()
            blocks = class_attention(model.network, clip)[0].float().mean(dim=2).cpu()
            rollout = attention_rollout(model.network, clip)[0].float().cpu()
            counted = temporal_attention(model.network, clip, hidden)[0].float().mean(dim=(0, 1))
        kept = sample["frame_valid"].numpy()
        frames = sample[clips.settings.modality].numpy()[kept]
        rows = {"all blocks": rollout.numpy()[kept]}
        rows |= {
            f"block {block + 1}": blocks[:, block].numpy()[kept] for block in range(blocks.shape[1])
        }
        ((name, probability),) = top_classes(scores, model.class_names, 1)
        title = f"{Path(source).name}: {readable_name(name)} {probability:.0%}"
        seconds = stored.times[first : first + len(frames)].tolist()
        sheet = attention_sheet(
            frames, rows, counted.cpu().numpy()[kept], seconds, title, options.columns
        )
        path = options.out / f"{Path(source).stem}-attention.png"
        with atomic_path(path) as temporary:
            # few colours: a third of the bytes, and nobody sees it
            sheet.quantize(256).save(temporary, format="PNG", optimize=True)
        heat = rows["all blocks"]
        film = [
            np.asarray(heat_picture(frame, weights, _GIF_SIDE, float(heat.max())))
            for frame, weights in zip(frames, heat, strict=True)
        ]
        write_video(path.with_suffix(".gif"), film, fps=min(options.frame_rate, 20))
        print(f"{path}\n{path.with_suffix('.gif')}")
    return 0
