"""Networks that the papers compare with, in the layout of the published code.

Each class names in ``inputs`` what its ``forward`` takes: a ``clip`` of either modality, an
``event`` clip and an ``rgb`` clip, or an ``alpha`` track.
"""

from __future__ import annotations

from typing import TypeAlias

from lightning_face_eventvit.networks.baselines.alpha_lstm import AlphaLSTM
from lightning_face_eventvit.networks.baselines.alpha_transformer import AlphaTransformer
from lightning_face_eventvit.networks.baselines.cnn_lstm import CNNLSTM
from lightning_face_eventvit.networks.baselines.cnn_transformer import CNNTransformer
from lightning_face_eventvit.networks.baselines.cnn_transformer_alpha import (
    CNNTransformerAlpha,
    CNNTransformerAlphaOutput,
)
from lightning_face_eventvit.networks.baselines.encoder_decoder import EncoderDecoder
from lightning_face_eventvit.networks.baselines.resnet_lstm import ResNetLSTM
from lightning_face_eventvit.networks.baselines.two_stream_cnn import TwoStreamCNN
from lightning_face_eventvit.networks.baselines.two_stream_resnet import TwoStreamResNet
from lightning_face_eventvit.networks.baselines.vivit import ViViT

__all__ = [
    "BASELINES",
    "CNNLSTM",
    "REFERENCE_NAMES",
    "AlphaLSTM",
    "AlphaTransformer",
    "Baseline",
    "CNNTransformer",
    "CNNTransformerAlpha",
    "CNNTransformerAlphaOutput",
    "EncoderDecoder",
    "ResNetLSTM",
    "TwoStreamCNN",
    "TwoStreamResNet",
    "ViViT",
]

Baseline: TypeAlias = (
    CNNTransformer
    | CNNTransformerAlpha
    | TwoStreamCNN
    | AlphaTransformer
    | AlphaLSTM
    | CNNLSTM
    | ViViT
    | EncoderDecoder
    | ResNetLSTM
    | TwoStreamResNet
)

BASELINES: dict[str, type[Baseline]] = {
    "cnn-transformer": CNNTransformer,
    "cnn-transformer-alpha": CNNTransformerAlpha,
    "two-stream-cnn": TwoStreamCNN,
    "alpha-transformer": AlphaTransformer,
    "alpha-lstm": AlphaLSTM,
    "cnn-lstm": CNNLSTM,
    "vivit": ViViT,
    "encoder-decoder": EncoderDecoder,
    "resnet-lstm": ResNetLSTM,
    "two-stream-resnet": TwoStreamResNet,
}
"""Classes by the names that the command line takes."""

REFERENCE_NAMES: dict[str, str] = {
    "CNNTransformerfEncoder": "cnn-transformer",
    "CNNTransformerAlpha": "cnn-transformer-alpha",
    "TwoStreamCNNTransformerEncoder": "two-stream-cnn",
    "TransformerAlphaClassifier": "alpha-transformer",
    "LSTMAlphaClassifier": "alpha-lstm",
    "CNNLSTM": "cnn-lstm",
    "ViVit_Model": "vivit",
    "ModelEncoderDecoder": "encoder-decoder",
    "ResnetLSTM": "resnet-lstm",
    "ResnetTwoStream": "two-stream-resnet",
}
"""Names in `BASELINES` by the names of the published classes."""
