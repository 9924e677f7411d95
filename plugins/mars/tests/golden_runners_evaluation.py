"""How the golden cases of evaluation are computed."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lightning_face_mars.metrics import RetrievalMetrics

Config = dict[str, Any]
Tensors = dict[str, Tensor]


def run_metrics(config: Config, state_dict: Tensors, inputs: Tensors) -> Tensors:
    outputs = {}
    for number in range(config["cases"]):
        metric = RetrievalMetrics()
        identities = (inputs[f"{name}/{number}"] for name in ("txt2person", "img2person"))
        metric.update(inputs[f"scores/{number}"], *identities)
        rows = metric.compute()
        outputs[f"result/{number}"] = torch.stack(
            [rows[name] for name in ("R@1", "R@5", "R@10", "r_mean", "mAP")]
        )
        outputs[f"mINP/{number}"] = rows["mINP"]
    return outputs


RUNNERS = {"mars/metrics": run_metrics}
