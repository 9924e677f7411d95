"""The report of a store: what its page shows besides what was measured."""

from __future__ import annotations

from pathlib import Path

from lightning_face.callbacks.report.page import format_duration
from lightning_face.checkpoint.atomic import atomic_path
from lightning_face_emovoca.builder.store import EmoVOCAStore
from lightning_face_emovoca.verification.report_page import VerificationReport, render_report
from lightning_face_emovoca.verification.settings import VerificationSettings
from lightning_face_emovoca.verification.store_check import StoreCheck
from lightning_face_emovoca.verification.worst_variants import picture_worst

__all__ = ["write_store_report"]


def write_store_report(
    path: Path, store: EmoVOCAStore, check: StoreCheck, settings: VerificationSettings
) -> None:
    """Write the page.

    Args:
        path: File to create or replace.
        store: The store.
        check: What was found of it.
        settings: Limits of what is sound.
    """
    variants = len(store.emotions) * len(store.intensities)
    frames = sum(each.frames for each in store.sequences)
    sources = "all there"
    if check.without_source:
        sources = f"{len(check.without_source)} of {len(store.sequences)} not there"
    facts = {
        "actors": f"{len({each.actor for each in store.sequences})}",
        "sentences": f"{len(store.sequences):,}",
        "variants": f"{variants * len(store.sequences):,}",
        "frames": f"{variants * frames:,}",
        "length": format_duration(variants * frames / store.frame_rate),
        "motion": "decoded on demand" if store.is_virtual else "stored",
        "sources": sources,
        "failures": f"{len(check.findings):,}",
    }
    report = VerificationReport(
        store.path.name,
        [each.name for each in store.emotions],
        store.intensities,
        settings,
        check.units,
        check.findings,
        facts,
        picture_worst(store, check.units, settings),
        _provenance(store),
    )
    with atomic_path(path) as temporary:
        temporary.write_text(render_report(report), encoding="utf-8")


def _provenance(store: EmoVOCAStore) -> dict[str, str]:
    """Say what the store was made of, as far as it fits into a table."""
    found = store.provenance
    rows = {"sources": str(found["sources"])}
    shared = ("generator", "mesh hierarchy", "landmarks")
    for name in shared:
        if name in found["inputs"]:
            rows[name] = f"SHA-256 {found['inputs'][name]['sha256']}"
    files = len(set(found["inputs"]) - set(shared))
    rows["further inputs"] = f"{files:,} files, listed with their hashes in provenance.json"
    rows["versions"] = ", ".join(f"{name} {each}" for name, each in found["versions"].items())
    return rows | {f"licence: {name}": text for name, text in found["licences"].items()}
