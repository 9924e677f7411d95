"""People found by a sentence that describes them: MARS, and RaSa and ALBEF within it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightning_face.lazy import lazy_package

if TYPE_CHECKING:
    from lightning_face_mars.attributes.attribute_cache import AttributeCache
    from lightning_face_mars.attributes.attribute_masks import attribute_masks
    from lightning_face_mars.attributes.chunker import choose_chunker
    from lightning_face_mars.data.cuhk_pedes import CUHKPEDESDataModule
    from lightning_face_mars.data.icfg_pedes import ICFGPEDESDataModule
    from lightning_face_mars.data.rstpreid import RSTPReidDataModule
    from lightning_face_mars.evaluation.grad_cam import heat_map
    from lightning_face_mars.evaluation.person_search_evaluation import PersonSearchEvaluation
    from lightning_face_mars.evaluation.reranking import rerank
    from lightning_face_mars.gallery.gallery_index import GalleryIndex, read_index
    from lightning_face_mars.gallery.indexing import index_folders
    from lightning_face_mars.gallery.search import search_gallery
    from lightning_face_mars.importer import import_mars
    from lightning_face_mars.loading import LoadedPersonSearch, load_person_search
    from lightning_face_mars.loss_settings import LossSettings
    from lightning_face_mars.losses.attribute import attribute_loss
    from lightning_face_mars.losses.contrastive import contrastive_loss
    from lightning_face_mars.losses.masked_language import masked_language_loss
    from lightning_face_mars.losses.matching import matching_loss
    from lightning_face_mars.losses.reconstruction import reconstruction_loss
    from lightning_face_mars.losses.relation import relation_loss
    from lightning_face_mars.losses.sensitivity import sensitivity_loss
    from lightning_face_mars.metrics.retrieval import RetrievalMetrics
    from lightning_face_mars.modules.mars_module import MARSModule
    from lightning_face_mars.networks.person_search import PersonSearchNetwork
    from lightning_face_mars.networks.reconstruction_decoder import ReconstructionDecoder
    from lightning_face_mars.networks.text_encoder import TextEncoder
    from lightning_face_mars.networks.vision_transformer import VisionTransformer
    from lightning_face_mars.prediction_writer import SearchResults
    from lightning_face_mars.text.caption import normalize_caption
    from lightning_face_mars.text.tokenizer import CaptionTokenizer
    from lightning_face_mars.text.vocabulary import Vocabulary, read_vocabulary
    from lightning_face_mars.training_losses import TrainingDraws, training_losses

__all__ = [
    "AttributeCache",
    "CUHKPEDESDataModule",
    "CaptionTokenizer",
    "GalleryIndex",
    "ICFGPEDESDataModule",
    "LoadedPersonSearch",
    "LossSettings",
    "MARSModule",
    "PersonSearchEvaluation",
    "PersonSearchNetwork",
    "RSTPReidDataModule",
    "ReconstructionDecoder",
    "RetrievalMetrics",
    "SearchResults",
    "TextEncoder",
    "TrainingDraws",
    "VisionTransformer",
    "Vocabulary",
    "attribute_loss",
    "attribute_masks",
    "choose_chunker",
    "contrastive_loss",
    "heat_map",
    "import_mars",
    "index_folders",
    "load_person_search",
    "masked_language_loss",
    "matching_loss",
    "normalize_caption",
    "read_index",
    "read_vocabulary",
    "reconstruction_loss",
    "relation_loss",
    "rerank",
    "search_gallery",
    "sensitivity_loss",
    "training_losses",
]

lazy_package(
    __name__,
    {
        "attributes.attribute_cache": ["AttributeCache"],
        "attributes.attribute_masks": ["attribute_masks"],
        "attributes.chunker": ["choose_chunker"],
        "data.cuhk_pedes": ["CUHKPEDESDataModule"],
        "data.icfg_pedes": ["ICFGPEDESDataModule"],
        "data.rstpreid": ["RSTPReidDataModule"],
        "evaluation.grad_cam": ["heat_map"],
        "evaluation.person_search_evaluation": ["PersonSearchEvaluation"],
        "evaluation.reranking": ["rerank"],
        "gallery.gallery_index": ["GalleryIndex", "read_index"],
        "gallery.indexing": ["index_folders"],
        "gallery.search": ["search_gallery"],
        "importer": ["import_mars"],
        "loading": ["LoadedPersonSearch", "load_person_search"],
        "loss_settings": ["LossSettings"],
        "losses.attribute": ["attribute_loss"],
        "losses.contrastive": ["contrastive_loss"],
        "losses.masked_language": ["masked_language_loss"],
        "losses.matching": ["matching_loss"],
        "losses.reconstruction": ["reconstruction_loss"],
        "losses.relation": ["relation_loss"],
        "losses.sensitivity": ["sensitivity_loss"],
        "metrics.retrieval": ["RetrievalMetrics"],
        "modules.mars_module": ["MARSModule"],
        "networks.person_search": ["PersonSearchNetwork"],
        "networks.reconstruction_decoder": ["ReconstructionDecoder"],
        "networks.text_encoder": ["TextEncoder"],
        "networks.vision_transformer": ["VisionTransformer"],
        "prediction_writer": ["SearchResults"],
        "text.caption": ["normalize_caption"],
        "text.tokenizer": ["CaptionTokenizer"],
        "text.vocabulary": ["Vocabulary", "read_vocabulary"],
        "training_losses": ["TrainingDraws", "training_losses"],
    },
)
