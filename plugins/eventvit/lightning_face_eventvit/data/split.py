"""Which users train, validate and test: no user is ever in two of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from lightning_face.checkpoint.atomic import atomic_path
from lightning_face.errors import ConfigError, DataError

__all__ = [
    "UserSplit",
    "fold_users",
    "read_split",
    "split_users",
    "take_validation_users",
    "write_split",
]


@dataclass(frozen=True)
class UserSplit:
    """Users of each part.

    Args:
        train: Users to train on.
        validation: Users to choose the best epoch with.
        test: Users to report.
    """

    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]


def split_users(users: Sequence[str], train_fraction: float = 0.8) -> tuple[list[str], list[str]]:
    """Split users as the published code does: sorted, reversed, the first ones train.

    The whole list decides, so one more user may move others; `write_split` keeps a split.

    Args:
        users: Names of all users, in any order.
        train_fraction: Share of the users that train, rounded down.

    Returns:
        Training users and test users, both in reversed order of their names.
    """
    ordered = sorted(users, reverse=True)
    count = int(train_fraction * len(ordered))
    return ordered[:count], ordered[count:]


def fold_users(users: Sequence[str], fold: int, num_folds: int) -> tuple[list[str], list[str]]:
    """Split users for cross-validation: every ``num_folds``-th user is tested.

    Args:
        users: Names of all users, in any order.
        fold: Number of the fold, from 0.
        num_folds: Number of folds, each user is tested in one.

    Returns:
        Training users and test users, both in reversed order of their names.

    Raises:
        ConfigError: If there is no such fold, or there are more folds than users.
    """
    if not 0 <= fold < num_folds:
        raise ConfigError(f"data.fold {fold} is not in 0..{num_folds - 1} (data.num_folds)")
    if not 2 <= num_folds <= len(users):
        raise ConfigError(f"data.num_folds {num_folds} does not fit {len(users)} users")
    ordered = sorted(users, reverse=True)
    return [user for i, user in enumerate(ordered) if i % num_folds != fold], ordered[
        fold::num_folds
    ]


def take_validation_users(train: Sequence[str], fraction: float) -> tuple[list[str], list[str]]:
    """Set some training users aside for validation.

    The choice depends on a digest of each name, so it looks random, and a user who joins moves at
    most one other.

    Args:
        train: Training users.
        fraction: Share of them to set aside, at least one user if above 0.

    Returns:
        The remaining training users in their order, and the validation users in theirs.

    Raises:
        DataError: If no user would be left to train on.
    """
    if not fraction:
        return list(train), []
    count = max(1, round(fraction * len(train)))
    if count >= len(train):
        raise DataError(f"{len(train)} training users cannot spare {count} for validation")
    chosen = set(sorted(train, key=lambda user: hashlib.sha256(user.encode()).digest())[:count])
    rest = [user for user in train if user not in chosen]
    return rest, [user for user in train if user in chosen]


def write_split(path: Path, split: UserSplit) -> None:
    """Write a split as JSON.

    Args:
        path: File to write.
        split: Users of each part.
    """
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(asdict(split), indent=1) + "\n", encoding="utf-8")


def read_split(path: Path, users: Sequence[str]) -> UserSplit:
    """Read a split and check it against the users on disk.

    Args:
        path: JSON file of `write_split`.
        users: Users on disk; those that the file does not name take no part.

    Raises:
        DataError: If the file is not such a split, names a user twice, or names one that is not
            on disk.
    """
    names = [field.name for field in fields(UserSplit)]
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        split = UserSplit(**{name: tuple(content[name]) for name in names})
    except (OSError, ValueError, KeyError, TypeError) as error:
        msg = f"split file {path} is not JSON with lists of users under {', '.join(names)}: {error}"
        raise DataError(msg) from error
    listed = [user for name in names for user in getattr(split, name)]
    missing = sorted(set(listed) - set(users))
    if missing:
        raise DataError(f"split file {path} names users that are not there: {', '.join(missing)}")
    twice = sorted({user for user in listed if listed.count(user) > 1})
    if twice:
        raise DataError(f"split file {path} names users more than once: {', '.join(twice)}")
    return split
