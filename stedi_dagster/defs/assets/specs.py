"""The definitions of tables as assets, from their contracts: schema, lineage, tags, and where their code is."""

import inspect
import linecache
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import dagster as dg

from stedi_dagster.code_version import code_version
from stedi_dagster.contracts import TABLES, Contract, Erasures
from stedi_dagster.defs.assets.presentation import Lineage, column_lineage, column_schema, tags

OWNER = "team:data-platform"
RESTRICTED = "restricted"
_MOST_HOURS = 1_000_000.0


def table_spec(contract: type[Contract], *, lineage: Lineage, rule: Callable[..., Any] | None = None) -> dg.AssetSpec:
    """A table of one of the layers.

    Args:
        contract: the table's.
        lineage: upstream table and column by column.
        rule: the function that says which rows it has.
    """
    return dg.AssetSpec(
        contract.table(),
        group_name=contract.layer(),
        kinds={"iceberg", "pyspark", "pandera"},
        owners=[OWNER],
        tags=tags(contract),
        description=inspect.cleandoc(contract.__doc__ or ""),
        code_version=code_version(contract),
        metadata=_metadata(contract, lineage, rule),
        automation_condition=_when_inputs_are_new(),
    )


def _when_inputs_are_new() -> dg.AutomationCondition[Any]:
    """When what it is made from is new and has passed its checks. Nobody makes the ledger before somebody is erased."""
    missing = dg.AutomationCondition.any_deps_missing().ignore(dg.AssetSelection.assets(Erasures.table()))
    eager = dg.AutomationCondition.eager().replace("any_deps_missing", missing)
    return eager & dg.AutomationCondition.all_deps_blocking_checks_passed()


def restricted_spec(
    name: str,
    contract: type[Contract],
    *,
    group: str = RESTRICTED,
    more: str = "",
    lineage: Lineage | None = None,
    automatic: bool = False,
) -> dg.AssetSpec:
    """A table that only operators may read.

    Args:
        name: the table's.
        contract: the table's.
        group: its group; of one that is made between layers another than that of the quarantines, which would be drawn
            both before and behind the layers.
        more: what there is to say of this one.
        lineage: upstream table and column by column.
        automatic: whether it is made by itself when what it is made from is new.
    """
    return dg.AssetSpec(
        name,
        group_name=group,
        kinds={"iceberg"},
        owners=[OWNER],
        tags={**tags(contract), "access": RESTRICTED},
        description=" ".join(filter(None, [inspect.cleandoc(contract.__doc__ or ""), more])),
        code_version=code_version(contract),
        metadata=_metadata(contract, lineage or {}, None),
        automation_condition=_when_inputs_are_new() if automatic else None,
    )


def release_spec(contract: type[Contract], *, lineage: Lineage, deps: Sequence[str]) -> dg.AssetSpec:
    """The table of releases, which a run may leave as it is.

    Args:
        contract: its contract.
        lineage: upstream table and column by column.
        deps: the tables that it is made from.
    """
    return dg.AssetSpec(
        contract.table(),
        deps=deps,
        skippable=True,
        group_name=contract.layer(),
        kinds={"iceberg"},
        owners=[OWNER],
        tags=tags(contract),
        description=inspect.cleandoc(contract.__doc__ or ""),
        metadata=_metadata(contract, lineage, None),
        automation_condition=_when_inputs_are_new(),
    )


def is_restricted(spec: dg.AssetSpec) -> bool:
    """Whether only operators may read it."""
    return spec.tags.get("access") == RESTRICTED


def with_freshness(asset: Any, hours: float) -> Any:
    """An asset, and Dagster's own freshness policy on those that are in it of the layers.

    It passes as long as the last run is no longer ago, so that no table can stay behind what it is made from for
    longer. Where it fails, nobody has looked; whether a table is behind is for the standing audit to say.

    Args:
        asset: what is made by a step is given the policy, and nothing else.
        hours: STEDI_FRESHNESS; below a minute Dagster knows no policy.
    """
    window = timedelta(hours=min(hours, _MOST_HOURS))
    if not isinstance(asset, dg.AssetsDefinition) or window < timedelta(minutes=1):
        return asset
    policy = dg.FreshnessPolicy.time_window(fail_window=window)
    return asset.map_asset_specs(
        lambda spec: spec.replace_attributes(freshness_policy=policy) if spec.key.path[-1] in TABLES else spec
    )


def _metadata(contract: type[Contract], lineage: Lineage, rule: Callable[..., Any] | None) -> dict[str, Any]:
    return {
        "dagster/column_schema": column_schema(contract, lineage),
        "dagster/column_lineage": column_lineage(lineage),
        "dagster/code_references": _code_of(contract, rule),
    }


def _code_of(contract: type[Contract], rule: Callable[..., Any] | None) -> dg.CodeReferencesMetadataValue:
    """Where a table's contract and its rule are, for the UI on the machine that has the files.

    Not `with_source_code_references`, which knows only the function of the step: that is one for all tables. Nor
    `link_code_references_to_git`, as long as the repository has no address.
    """
    file = str(inspect.getsourcefile(contract))
    head = f"class {contract.__name__}("
    line = next((number for number, text in enumerate(linecache.getlines(file), 1) if text.startswith(head)), 1)
    places = {"contract": (file, line)}
    if inspect.isfunction(rule):
        places["rule"] = (rule.__code__.co_filename, rule.__code__.co_firstlineno)
    with knowingly_beta():
        references = [
            dg.LocalFileCodeReference(file_path=path, line_number=number, label=label)
            for label, (path, number) in places.items()
        ]
        return dg.CodeReferencesMetadataValue(code_references=list(references))


@contextmanager
def knowingly_beta() -> Iterator[None]:
    """Use what Dagster calls beta without its warning at every start; the versions are pinned, and tests use it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        yield
