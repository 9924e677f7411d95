"""Semantic image synthesis of faces: CA2-SIS, adversarial identity injection and SCA-DM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightning_face.lazy import lazy_package

if TYPE_CHECKING:
    from lightning_face_sis.attention_pictures import attention_grid, attention_maps
    from lightning_face_sis.data.ade20k import ADE20KDataModule
    from lightning_face_sis.data.celebamask_hq import CelebAMaskHQDataModule
    from lightning_face_sis.data.cityscapes import CityscapesDataModule
    from lightning_face_sis.data.coco_stuff import COCOStuffDataModule
    from lightning_face_sis.data.colors import colorize_labels
    from lightning_face_sis.data.label_map import one_hot_masks
    from lightning_face_sis.data.part_masks import merge_part_masks
    from lightning_face_sis.data.prepare import prepare_celebamask
    from lightning_face_sis.data.sample import write_sample
    from lightning_face_sis.denoising_strip import denoising_strips
    from lightning_face_sis.diffusion.guidance import GuidedPredictor
    from lightning_face_sis.diffusion.inversion import Inversion, invert, stochastic_encode
    from lightning_face_sis.diffusion.noise_schedule import NoiseSchedule
    from lightning_face_sis.diffusion.samplers import build_sampler
    from lightning_face_sis.diffusion.sampling import DenoisingStep, denoise, reconstruct, sample
    from lightning_face_sis.diffusion.seeds import SeededNoise, seeded_noise
    from lightning_face_sis.diffusion.timesteps import spaced_timesteps
    from lightning_face_sis.diffusion_importer import (
        export_sca_dm,
        import_first_stage,
        import_sca_dm,
        load_published_diffusion,
        write_published,
    )
    from lightning_face_sis.diffusion_loading import LoadedDiffusion, load_diffusion
    from lightning_face_sis.editing.diffusion_editor import DiffusionEditor, SamplingSettings
    from lightning_face_sis.editing.face_editor import FaceEditor
    from lightning_face_sis.editing.identity import hide_identity, preserve_identity
    from lightning_face_sis.editing.shape_interpolation import interpolate_shapes
    from lightning_face_sis.editing.shape_swap import swap_shapes
    from lightning_face_sis.editing.style_bank import StyleBank, mix_styles, read_bank, write_bank
    from lightning_face_sis.editing.style_sampling import sample_styles
    from lightning_face_sis.editing.style_swap import blend_styles, swap_styles
    from lightning_face_sis.evaluation import SynthesisMetrics
    from lightning_face_sis.importer import (
        export_reference,
        import_ca2sis,
        import_identity_injection,
        load_discriminator,
        load_published,
    )
    from lightning_face_sis.loading import LoadedGenerator, load_generator, load_model
    from lightning_face_sis.losses.denoising import (
        DenoisingLoss,
        discard_styles,
        semantic_attention_loss,
    )
    from lightning_face_sis.losses.diversity import diversity_loss
    from lightning_face_sis.losses.feature_matching import FeatureMatchingLoss
    from lightning_face_sis.losses.gan_loss import GANLoss
    from lightning_face_sis.losses.identity_loss import IdentityLoss, identity_loss
    from lightning_face_sis.losses.perceptual import VGG19Loss
    from lightning_face_sis.losses.style_distance import style_distance
    from lightning_face_sis.metrics.face_parser import FaceParser
    from lightning_face_sis.metrics.identity_attack import IdentityAttack
    from lightning_face_sis.metrics.identity_similarity import IdentitySimilarity
    from lightning_face_sis.metrics.identity_threshold import verification_threshold
    from lightning_face_sis.metrics.segmentation import SegmentationQuality
    from lightning_face_sis.modules.ca2sis_module import CA2SISModule
    from lightning_face_sis.modules.first_stage_module import FirstStageModule
    from lightning_face_sis.modules.identity_module import IdentityInjectionModule
    from lightning_face_sis.modules.noise_module import NoiseModule
    from lightning_face_sis.modules.sca_dm_module import SCADMModule
    from lightning_face_sis.networks.cross_attention import ClassCrossAttention
    from lightning_face_sis.networks.discriminator import MultiscaleDiscriminator
    from lightning_face_sis.networks.generator import CA2SISGenerator
    from lightning_face_sis.networks.identity_generator import IdentityInjectionGenerator
    from lightning_face_sis.networks.ir_se50 import IR50, IRSE50
    from lightning_face_sis.networks.iresnet import IResNet
    from lightning_face_sis.networks.mask_embedder import MaskEmbedder
    from lightning_face_sis.networks.masked_attention import MaskedCrossAttention
    from lightning_face_sis.networks.noise_encoder import NoiseStyleEncoder
    from lightning_face_sis.networks.recognition import RecognitionNetwork, load_recognition_network
    from lightning_face_sis.networks.res_block import SISResBlock
    from lightning_face_sis.networks.semantic_diffusion import SemanticDiffusion
    from lightning_face_sis.networks.semantic_unet import SemanticUNet
    from lightning_face_sis.networks.spade import SPADEGroupNorm
    from lightning_face_sis.networks.spatial_transformer import SpatialTransformer
    from lightning_face_sis.networks.style_encoder import GroupedStyleEncoder
    from lightning_face_sis.networks.vq_first_stage import VQFirstStage
    from lightning_face_sis.onnx_export import export_decoder
    from lightning_face_sis.prediction_writer import SynthesizedImages
    from lightning_face_sis.to_image import to_image

__all__ = [
    "IR50",
    "IRSE50",
    "ADE20KDataModule",
    "CA2SISGenerator",
    "CA2SISModule",
    "COCOStuffDataModule",
    "CelebAMaskHQDataModule",
    "CityscapesDataModule",
    "ClassCrossAttention",
    "DenoisingLoss",
    "DenoisingStep",
    "DiffusionEditor",
    "FaceEditor",
    "FaceParser",
    "FeatureMatchingLoss",
    "FirstStageModule",
    "GANLoss",
    "GroupedStyleEncoder",
    "GuidedPredictor",
    "IResNet",
    "IdentityAttack",
    "IdentityInjectionGenerator",
    "IdentityInjectionModule",
    "IdentityLoss",
    "IdentitySimilarity",
    "Inversion",
    "LoadedDiffusion",
    "LoadedGenerator",
    "MaskEmbedder",
    "MaskedCrossAttention",
    "MultiscaleDiscriminator",
    "NoiseModule",
    "NoiseSchedule",
    "NoiseStyleEncoder",
    "RecognitionNetwork",
    "SCADMModule",
    "SISResBlock",
    "SPADEGroupNorm",
    "SamplingSettings",
    "SeededNoise",
    "SegmentationQuality",
    "SemanticDiffusion",
    "SemanticUNet",
    "SpatialTransformer",
    "StyleBank",
    "SynthesisMetrics",
    "SynthesizedImages",
    "VGG19Loss",
    "VQFirstStage",
    "attention_grid",
    "attention_maps",
    "blend_styles",
    "build_sampler",
    "colorize_labels",
    "denoise",
    "denoising_strips",
    "discard_styles",
    "diversity_loss",
    "export_decoder",
    "export_reference",
    "export_sca_dm",
    "hide_identity",
    "identity_loss",
    "import_ca2sis",
    "import_first_stage",
    "import_identity_injection",
    "import_sca_dm",
    "interpolate_shapes",
    "invert",
    "load_diffusion",
    "load_discriminator",
    "load_generator",
    "load_model",
    "load_published",
    "load_published_diffusion",
    "load_recognition_network",
    "merge_part_masks",
    "mix_styles",
    "one_hot_masks",
    "prepare_celebamask",
    "preserve_identity",
    "read_bank",
    "reconstruct",
    "sample",
    "sample_styles",
    "seeded_noise",
    "semantic_attention_loss",
    "spaced_timesteps",
    "stochastic_encode",
    "style_distance",
    "swap_shapes",
    "swap_styles",
    "to_image",
    "verification_threshold",
    "write_bank",
    "write_published",
    "write_sample",
]

# listing what is installed must not wait for torch
lazy_package(
    __name__,
    {
        "attention_pictures": ["attention_grid", "attention_maps"],
        "data.ade20k": ["ADE20KDataModule"],
        "data.celebamask_hq": ["CelebAMaskHQDataModule"],
        "data.cityscapes": ["CityscapesDataModule"],
        "data.coco_stuff": ["COCOStuffDataModule"],
        "data.colors": ["colorize_labels"],
        "data.label_map": ["one_hot_masks"],
        "data.part_masks": ["merge_part_masks"],
        "data.prepare": ["prepare_celebamask"],
        "data.sample": ["write_sample"],
        "denoising_strip": ["denoising_strips"],
        "diffusion.guidance": ["GuidedPredictor"],
        "diffusion.inversion": ["Inversion", "invert", "stochastic_encode"],
        "diffusion.noise_schedule": ["NoiseSchedule"],
        "diffusion.samplers": ["build_sampler"],
        "diffusion.sampling": ["DenoisingStep", "denoise", "reconstruct", "sample"],
        "diffusion.seeds": ["SeededNoise", "seeded_noise"],
        "diffusion.timesteps": ["spaced_timesteps"],
        "diffusion_importer": [
            "export_sca_dm",
            "import_first_stage",
            "import_sca_dm",
            "load_published_diffusion",
            "write_published",
        ],
        "diffusion_loading": ["LoadedDiffusion", "load_diffusion"],
        "editing.diffusion_editor": ["DiffusionEditor", "SamplingSettings"],
        "editing.face_editor": ["FaceEditor"],
        "editing.identity": ["hide_identity", "preserve_identity"],
        "editing.shape_interpolation": ["interpolate_shapes"],
        "editing.shape_swap": ["swap_shapes"],
        "editing.style_bank": ["StyleBank", "mix_styles", "read_bank", "write_bank"],
        "editing.style_sampling": ["sample_styles"],
        "editing.style_swap": ["blend_styles", "swap_styles"],
        "evaluation": ["SynthesisMetrics"],
        "importer": [
            "export_reference",
            "import_ca2sis",
            "import_identity_injection",
            "load_discriminator",
            "load_published",
        ],
        "loading": ["LoadedGenerator", "load_generator", "load_model"],
        "losses.denoising": ["DenoisingLoss", "discard_styles", "semantic_attention_loss"],
        "losses.diversity": ["diversity_loss"],
        "losses.feature_matching": ["FeatureMatchingLoss"],
        "losses.gan_loss": ["GANLoss"],
        "losses.identity_loss": ["IdentityLoss", "identity_loss"],
        "losses.perceptual": ["VGG19Loss"],
        "losses.style_distance": ["style_distance"],
        "metrics.face_parser": ["FaceParser"],
        "metrics.identity_attack": ["IdentityAttack"],
        "metrics.identity_similarity": ["IdentitySimilarity"],
        "metrics.identity_threshold": ["verification_threshold"],
        "metrics.segmentation": ["SegmentationQuality"],
        "modules.ca2sis_module": ["CA2SISModule"],
        "modules.first_stage_module": ["FirstStageModule"],
        "modules.identity_module": ["IdentityInjectionModule"],
        "modules.noise_module": ["NoiseModule"],
        "modules.sca_dm_module": ["SCADMModule"],
        "networks.cross_attention": ["ClassCrossAttention"],
        "networks.discriminator": ["MultiscaleDiscriminator"],
        "networks.generator": ["CA2SISGenerator"],
        "networks.identity_generator": ["IdentityInjectionGenerator"],
        "networks.ir_se50": ["IR50", "IRSE50"],
        "networks.iresnet": ["IResNet"],
        "networks.mask_embedder": ["MaskEmbedder"],
        "networks.masked_attention": ["MaskedCrossAttention"],
        "networks.noise_encoder": ["NoiseStyleEncoder"],
        "networks.recognition": ["RecognitionNetwork", "load_recognition_network"],
        "networks.res_block": ["SISResBlock"],
        "networks.semantic_diffusion": ["SemanticDiffusion"],
        "networks.semantic_unet": ["SemanticUNet"],
        "networks.spade": ["SPADEGroupNorm"],
        "networks.spatial_transformer": ["SpatialTransformer"],
        "networks.style_encoder": ["GroupedStyleEncoder"],
        "networks.vq_first_stage": ["VQFirstStage"],
        "onnx_export": ["export_decoder"],
        "prediction_writer": ["SynthesizedImages"],
        "to_image": ["to_image"],
    },
)
