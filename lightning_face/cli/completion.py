"""The verb ``completion``: shell scripts, and the words that they offer.

The scripts stay small and ask ``lightning-face completion --words`` at every press of the tab
key, so that plugins installed later are completed too. Nothing heavy is imported for it.
"""

from __future__ import annotations

from lightning_face.cli.arguments import VerbParser
from lightning_face.cli.front import RUN_VERBS, VERBS
from lightning_face.registry import GROUPS, list_plugins

__all__ = ["candidates", "main"]

FILES = "<files>"
"""Answer that lets the shell complete the names of files."""

BASH = """\
_lightning_face() {
  local answer
  COMPREPLY=()
  answer=$(lightning-face completion --words "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null) || return
  if [[ $answer == "<files>" ]]; then
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "${COMP_WORDS[COMP_CWORD]}")
  else
    mapfile -t COMPREPLY < <(compgen -W "$answer" -- "${COMP_WORDS[COMP_CWORD]}")
  fi
}
complete -F _lightning_face lightning-face
"""

ZSH = """\
#compdef lightning-face
_lightning_face() {
  local answer
  answer=$(lightning-face completion --words "${(@)words[2,CURRENT]}" 2>/dev/null) || return
  if [[ $answer == "<files>" ]]; then
    _files
  else
    compadd -- ${(f)answer}
  fi
}
compdef _lightning_face lightning-face
"""

SCRIPTS = {"bash": BASH, "zsh": ZSH}

RUN_OPTIONS = (
    "--config",
    "--model",
    "--data",
    "--trainer",
    "--ckpt_path",
    "--init_from",
    "--print_config",
    "--help",
)
FILE_OPTIONS = ("-c", "--config", "--ckpt_path", "--init_from", "--data.root")
REGISTERED = {
    "--model": "models",
    "--model.class_path": "models",
    "--model.help": "models",
    "--data": "data",
    "--data.class_path": "data",
    "--data.help": "data",
    "--trainer.callbacks": "callbacks",
    "--trainer.callbacks+": "callbacks",
}
"""Options whose value is a registered name, with the group it is registered in."""


def main(argv: list[str]) -> int:
    """Print the completion script of a shell, or what can follow some words.

    Args:
        argv: ``bash``, ``zsh``, or ``--words`` and the words typed so far.

    Returns:
        The exit status, 0.
    """
    if argv[:1] == ["--words"]:
        print("\n".join(candidates(argv[1:])))
        return 0
    parser = VerbParser(
        "completion",
        'Print a completion script: eval "$(lightning-face completion bash)" turns it on.',
    )
    parser.add_argument("shell", choices=sorted(SCRIPTS), help="shell to complete in")
    print(SCRIPTS[parser.parse_args(argv).shell], end="")
    return 0


def candidates(words: list[str]) -> list[str]:
    """Say what the last word can become.

    Args:
        words: The words after ``lightning-face``, the last of them unfinished or empty.

    Returns:
        The words that begin like the last one, or `FILES` alone where a file is expected.
    """
    # bash cuts "--model=name" into three words, zsh leaves it one
    words = [word for word in words if word != "="]
    begun = words[-1] if words else ""
    option, equals, value = begun.partition("=")
    if equals and option.startswith("--"):
        names = candidates([*words[:-1], option, value])
        return names if names == [FILES] else [f"{option}={name}" for name in names]
    offered = _offered(words) if len(words) > 1 else _verbs()
    return [word for word in offered if word == FILES or word.startswith(begun)]


def _verbs() -> list[str]:
    return [*RUN_VERBS, *VERBS, *_names("commands"), "--help", "--version"]


def _offered(words: list[str]) -> list[str]:
    verb, before = words[0], words[-2]
    if verb in RUN_VERBS:
        if before in REGISTERED:
            return _names(REGISTERED[before])
        return [FILES] if before in FILE_OPTIONS else list(RUN_OPTIONS)
    if verb == "list":
        return list(GROUPS)
    if verb in ("info", "doctor"):
        return _names(*GROUPS)
    if verb == "import" and len(words) == 2:
        return _names("importers")
    if verb == "demo" and len(words) == 2:
        return _names("demos")
    if verb == "completion":
        return list(SCRIPTS)
    return [] if verb in ("new", "experiments") else [FILES]


def _names(*groups: str) -> list[str]:
    return sorted({plugin.name for group in groups for plugin in list_plugins(group)})
