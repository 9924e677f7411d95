"""Which classes a configuration or a checkpoint may name: those of the core and of plugins."""

from __future__ import annotations

from lightning_face.registry import list_plugins

__all__ = ["allowed_imports", "is_allowed", "plugin_packages"]

ALWAYS_ALLOWED = (
    "lightning_face",
    "torch.nn",
    # where the functions of torch.nn.functional are defined
    "torch._C._nn",
    "torch.optim",
    "lightning.pytorch",
    # where what lightning.pytorch.plugins offers is defined
    "lightning.fabric.plugins",
    "torchmetrics",
    # durations, for lightning's Timer and checkpoint intervals
    "datetime.timedelta",
)


def plugin_packages() -> set[str]:
    """Name the packages, the core among them, that register something."""
    return {plugin.target.partition(":")[0].partition(".")[0] for plugin in list_plugins()}


def allowed_imports() -> list[str]:
    """List the packages whose classes a configuration may name."""
    return [*ALWAYS_ALLOWED, *sorted(plugin_packages() - {"lightning_face"})]


def is_allowed(class_path: str) -> bool:
    """Whether a dotted path lies in one of the packages that may be named."""
    return any(
        class_path == root or class_path.startswith(f"{root}.") for root in allowed_imports()
    )
