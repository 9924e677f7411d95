"""What the networks are trained on."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import cross_entropy, mse_loss

__all__ = ["alpha_loss", "privileged_loss"]


def privileged_loss(
    logits: Tensor,
    labels: Tensor,
    hallucinated: Tensor | None = None,
    privileged: Tensor | None = None,
) -> dict[str, Tensor]:
    """Compare scores with labels, and hallucinated features with those of the hidden modality.

    Without features it is the plain cross entropy of all other ways of training. Labels may name
    fewer classes than there are scores, as in the published early fusion.

    Source: the published training code of the privileged variants, weight 1 for either term.

    Args:
        logits: Class scores ``(batch, classes)``.
        labels: Class of each clip ``(batch,)``.
        hallucinated: Features made of the modality at hand ``(batch, dim)``.
        privileged: Features of the modality that is absent in use ``(batch, dim)``.

    Returns:
        Scalars in float32: ``cross_entropy``, ``total`` and, with features, ``pi_mse``.

    Raises:
        ValueError: If only one of both features is given.
    """
    terms = {"cross_entropy": cross_entropy(logits.float(), labels)}
    if hallucinated is None and privileged is None:
        return {**terms, "total": terms["cross_entropy"]}
    if hallucinated is None or privileged is None:
        msg = "hallucinated and privileged features are compared: give both or neither"
        raise ValueError(msg)
    terms["pi_mse"] = mse_loss(hallucinated.float(), privileged.float())
    return {**terms, "total": terms["cross_entropy"] + terms["pi_mse"]}


def alpha_loss(pred: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Mean squared error of expression coefficients over the frames that have some.

    Args:
        pred: Predicted coefficients ``(batch, frames, coefficients)``.
        target: Fitted coefficients, same shape; what invalid frames hold is of no consequence.
        valid: Frames that are real and had a face, bool ``(batch, frames)``.

    Returns:
        The mean over valid frames and coefficients, a float32 scalar; 0 where no frame is valid,
        so that a clip without a face changes nothing.

    Raises:
        ValueError: If the shapes do not fit each other.
    """
    if pred.shape != target.shape or valid.shape != pred.shape[:-1]:
        msg = (
            "expected coefficients (batch, frames, coefficients) twice and (batch, frames), got "
            f"{tuple(pred.shape)}, {tuple(target.shape)} and {tuple(valid.shape)}"
        )
        raise ValueError(msg)
    mask = valid.bool().unsqueeze(-1)
    # a hole may hold nan, which a product with 0 would keep
    squares = (pred.float() - target.float()).masked_fill(~mask, 0).square()
    return squares.sum() / (mask.sum() * pred.shape[-1]).clamp(min=1)
