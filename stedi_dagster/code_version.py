"""Which code a table was made by, and audited by: digests of modules and library versions.

An edit of anything that decides no row (the report, the command, an audit) makes no table stale; a new release of the
engine does. The modules that decide rows are found by following imports, from those that make the table and only into
those that can. An edit of anything that audits has every table audited anew.
"""

import hashlib
import re
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path

from stedi_dagster.contracts import Contract
from stedi_dagster.errors import ContractError

_PACKAGE = "stedi_dagster"
# Every table is made by these: the engine's session (its time zone, ANSI mode), and how rows become files.
_ALWAYS = ("engines.base", "lakehouse.schema", "lakehouse.staged")
# Where imports are followed to. What the others hold is who asks, where it is kept, and what is said of it.
_DECIDING = (
    "contracts",
    "drafts.amending",
    "drafts.batches",
    "drafts.delta",
    "drafts.erased",
    "drafts.following",
    "drafts.frames",
    "drafts.landed_feed",
    "drafts.landed_files",
    "drafts.making",
    "drafts.merging",
    "drafts.plan",
    "engines.once",
    "erasure",
    "keys",
    "landing",
    "policies",
    "settings.policy",
)
# What the gate's findings follow from, besides the content, and the rules that a table's plan asks.
_AUDITING = ("audits/outcome.py", "audits/gate", "contracts", "drafts", "policies", "defs/assets")
# How the tables of a layer are drafted which no rule selects.
_DRAFTED = {"landing": ("drafts.landing",), "restricted": ("drafts.landing", "drafts.participants")}
_RULES = "policies"
_LIBRARIES = ("idna", "pyarrow", "pyiceberg", "pysail", "pyspark", "unicodedata2")
_IMPORT = re.compile(rf"^ *from ({_PACKAGE}[.\w]*) import (\([^)]*\)|[^\n]*)", re.MULTILINE)
_NAME = re.compile(r"\w+")
_HERE = Path(__file__).parent


@cache
def code_version(contract: type[Contract]) -> str:
    """Twelve hexadecimal digits that change whenever what decides a table's rows does.

    Args:
        contract: the table's.

    Raises:
        ContractError: no rule selects its columns, so that a change of its rule would go unnoticed.
    """
    return _digest({module: _file_of(module) for module in deciding(contract)})


@cache
def audit_version() -> str:
    """Twelve hexadecimal digits that change whenever the code of the gate does."""
    found = (path for name in _AUDITING for path in ([_HERE / name] if name.endswith(".py") else _modules(name)))
    return _digest({path.relative_to(_HERE).as_posix(): path for path in found})


def _digest(files: Mapping[str, Path]) -> str:
    digest = hashlib.sha256()
    for name, path in sorted(files.items()):
        digest.update(name.encode())
        digest.update(path.read_bytes())
    for library in _LIBRARIES:
        digest.update(f"{library} {version(library)}".encode())
    return digest.hexdigest()[:12]


def _modules(folder: str) -> list[Path]:
    return list((_HERE / folder).rglob("*.py"))


def deciding(contract: type[Contract]) -> set[str]:
    """The modules whose code decides the rows of a table, by their full names.

    Args:
        contract: the table's.
    """
    found: set[str] = set()
    waiting = [contract.__module__, *(f"{_PACKAGE}.{module}" for module in (*_ALWAYS, *_making(contract)))]
    while waiting:
        module = waiting.pop()
        if module not in found:
            found.add(module)
            waiting += [one for one in _imported_by(module) if _decides(one)]
    return found


def _making(contract: type[Contract]) -> list[str]:
    """What makes a table: how it is drafted, and the rules that select its columns.

    Raises:
        ContractError: no rule does, so that a change of its rule would go unnoticed.
    """
    drafted = _DRAFTED.get(contract.layer())
    if drafted:
        return list(drafted)
    name = contract.__name__
    selects = re.compile(rf"\b{name}\.names\(")
    rules = [path for path in sorted(_modules(_RULES)) if selects.search(path.read_text("utf-8"))]
    if not rules:
        raise ContractError(
            f"No module of stedi_dagster/{_RULES} selects the columns of {name}: a change of its rule would not make "
            f"the table anew. Let the rule end with {name}.names()."
        )
    return ["drafts.tables", *(".".join(path.relative_to(_HERE).with_suffix("").parts) for path in rules)]


@cache
def _imported_by(module: str) -> frozenset[str]:
    imported = set()
    for source, names in _IMPORT.findall(_file_of(module).read_text(encoding="utf-8")):
        inner = {f"{source}.{name}" for name in _NAME.findall(names)}
        imported |= {one for one in inner if _file_of(one).exists()} | {source}
    return frozenset(imported)


def _decides(module: str) -> bool:
    if module == f"{_PACKAGE}.contracts":
        return False  # it gathers all of them: a table's own is known, and an upstream one makes its own table stale
    inner = module.removeprefix(f"{_PACKAGE}.")
    return any(inner == one or inner.startswith(f"{one}.") for one in _DECIDING)


def _file_of(module: str) -> Path:
    path = _HERE.joinpath(*module.split(".")[1:])
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
