"""How the golden cases of evaluation are computed."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

from lightning_face_mars.evaluation.candidates import OUTSIDE, top_candidates
from lightning_face_mars.evaluation.reranking import rerank
from lightning_face_mars.metrics import RetrievalMetrics
from lightning_face_mars.networks.person_search import PersonSearchNetwork

Config = dict[str, Any]
Tensors = dict[str, Tensor]

TABLE = ("R@1", "R@5", "R@10", "r_mean", "mAP")


def measure(scores: Tensor, queries: Tensor, gallery: Tensor) -> dict[str, Tensor]:
    metric = RetrievalMetrics()
    metric.update(scores, queries, gallery)
    rows = metric.compute()
    return {"result": torch.stack([rows[name] for name in TABLE]), "mINP": rows["mINP"]}


def run_metrics(config: Config, state_dict: Tensors, inputs: Tensors) -> Tensors:
    outputs = {}
    for number in range(config["cases"]):
        scores, queries, gallery = (
            inputs[f"{name}/{number}"] for name in ("scores", "txt2person", "img2person")
        )
        rows = measure(scores, queries, gallery)
        outputs |= {f"{name}/{number}": value for name, value in rows.items()}
    return outputs


def run_rerank(config: Config, state_dict: Tensors, inputs: Tensors) -> Tensors:
    bert = dict(config["bert_config"])
    bert.pop("hidden_act")
    network = PersonSearchNetwork(
        image_size=config["image_res"],
        patch_size=config["patch_size"],
        vision_width=config["vision_width"],
        vision_depth=config["vit_depth"],
        vision_heads=config["vit_heads"],
        bert=bert,
        embed_dim=config["embed_dim"],
        inference_only=True,
    ).eval()
    wanted = network.state_dict().keys()
    network.load_state_dict({key: state_dict[key] for key in wanted})
    ids, mask, tokens = (inputs[key] for key in ("input_ids", "attention_mask", "image_feats"))
    with torch.no_grad():
        images = normalize(network.vision_proj(tokens[:, 0]), dim=-1)
        texts = network.encode_text(ids, mask)[1]
    candidates = top_candidates(texts, images, config["k_test"])
    # an odd number of batches of unlike size
    batches = zip(torch.arange(len(tokens)).split(4), tokens.split(4), strict=True)
    found = rerank(network, ids, mask, candidates.places, batches, texts_per_call=3)
    scores = torch.full((len(texts), len(images)), OUTSIDE).scatter_(1, candidates.places, found)
    return {
        "image_embeds": images,
        "text_embeds": texts,
        "sims_matrix": texts @ images.T,
        "score_matrix_t2i": scores,
        "result": measure(scores, inputs["txt2person"], inputs["img2person"])["result"],
    }


RUNNERS = {"mars/metrics": run_metrics, "mars/rerank": run_rerank}
