"""Describes an exported release for programs: in Croissant 1.1, with the vocabulary of responsible AI (RAI 1.0).

Both are MLCommons' formats, JSON-LD that loaders and search engines read. Nothing of theirs is needed to write it.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pyspark.sql.types as T  # noqa: N812 - PySpark's own convention

from stedi_dagster.contracts.columns import Column
from stedi_dagster.releases import sentences
from stedi_dagster.releases.facts import ExportedFile, Release
from stedi_dagster.report.page import day
from stedi_dagster.split import PARTS

CONFORMS_TO = ("http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0")
# The name that IANA has registered, and the one that loaders of Croissant know.
PARQUET = ("application/vnd.apache.parquet", "application/x-parquet")
_FILES, _PARTS, _READINGS = "files", "parts", "readings"
# The context of the format's version 1.1, as loaders expect it; `_CROISSANT` are its terms that mean the same in it.
_CROISSANT = (
    *("arrayShape", "citeAs", "column", "containedIn", "equivalentProperty", "extract", "field", "fileObject"),
    *("fileProperty", "fileSet", "format", "includes", "isArray", "isLiveDataset", "jsonPath", "key", "md5"),
    *("parentField", "path", "recordSet", "references", "regex", "repeated", "replace", "samplingRate", "separator"),
    *("source", "subField", "transform"),
)
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "sc": "https://schema.org/",
    "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "description": {"@container": "@language"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "name": {"@container": "@language"},
    **{term: f"cr:{term}" for term in _CROISSANT},
}


def as_croissant(release: Release, columns: Sequence[Column], files: Sequence[ExportedFile]) -> dict[str, Any]:
    """The description, as JSON that is written beside the folders of the parts.

    Args:
        release: what it is about.
        columns: of the table that it is cut from.
        files: those that it was exported to, each below the folder of its part.
    """
    now = release.current
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": list(CONFORMS_TO),
        "name": release.name,
        "description": sentences.description(release),
        # A version has three numbers; a revision takes rows away, which no reader may miss.
        "version": f"{now.number}.0.0",
        "dateCreated": day(release.revisions[0].made_ms),
        "datePublished": day(now.made_ms),
        "dateModified": day(now.made_ms),
        "isLiveDataset": False,
        "creator": {"@type": "sc:Organization", "name": sentences.CREATOR},
        "license": f"{sentences.LICENSE}.",
        "citeAs": sentences.citation(release),
        "keywords": list(sentences.KEYWORDS),
        **_responsible(release),
        "distribution": [*map(_file, files), _all_files()],
        "recordSet": [_parts(), _readings(columns)],
    }


def _responsible(release: Release) -> dict[str, Any]:
    """What RAI asks; the names and the kinds of collection are its own."""
    now, origin = release.current, release.origin
    ages = [f"{band.name}: {sentences.about(band)}" for band in origin.ages]
    said: dict[str, Any] = {
        "rai:dataCollection": sentences.COLLECTION,
        "rai:dataCollectionType": ["Direct measurement", "Passive Data Collection"],
        "rai:dataCollectionRawData": f"Snapshot {origin.snapshot_id} of machine_learning_curated, made from what the "
        "trainer, the app and the website delivered.",
        "rai:dataPreprocessingProtocol": list(sentences.selection(release)),
        "rai:dataUseCases": list(sentences.USES),
        "rai:dataLimitations": [
            *sentences.limitations(release),
            *(f"It may not be used for this: {each}" for each in sentences.NOT_FOR),
        ],
        "rai:dataBiases": list(sentences.biases(release)),
        "rai:personalSensitiveInformation": [
            sentences.PERSONAL,
            *([f"Ages at registration are not in it; of the participants, {', '.join(ages)}."] if ages else []),
        ],
        "rai:dataSocialImpact": " ".join(sentences.DUTIES[1:]),
        "rai:dataReleaseMaintenancePlan": f"{sentences.maintenance(release)} {sentences.audited(release)}",
    }
    if now.first_ms is not None and now.last_ms is not None:
        said["rai:dataCollectionTimeframe"] = [_instant(now.first_ms), _instant(now.last_ms)]
    return said


def _instant(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, tz=UTC).isoformat(timespec="milliseconds")


def _file(file: ExportedFile) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": file.path,
        "name": file.path,
        "description": f"{file.rows:,} rows of {file.part}.",
        "contentUrl": file.path,
        "contentSize": f"{file.size} B",
        "encodingFormat": list(PARQUET),
        "sha256": file.sha256,
    }


def _all_files() -> dict[str, Any]:
    """Readings are read from this one, so that a loader opens the files of one part alone where it wants no other.

    It does not say `containedIn` of the files, as loaders then look for files within each of them, and read nothing.
    """
    return {
        "@type": "cr:FileSet",
        "@id": _FILES,
        "name": _FILES,
        "description": "The files of all parts.",
        "encodingFormat": list(PARQUET),
        "includes": [f"{part}/*.parquet" for part in PARTS],
    }


def _parts() -> dict[str, Any]:
    name = f"{_PARTS}/name"
    return {
        "@type": "cr:RecordSet",
        "@id": _PARTS,
        "name": _PARTS,
        "description": "The parts; each participant is in one.",
        "dataType": ["sc:Enumeration", "cr:Split"],
        "key": {"@id": name},
        "field": [{"@type": "cr:Field", "@id": name, "name": "name", "dataType": "sc:Text"}],
        "data": [{name: part} for part in PARTS],
    }


def _readings(columns: Sequence[Column]) -> dict[str, Any]:
    part = {
        "@type": "cr:Field",
        "@id": f"{_READINGS}/part",
        "name": "part",
        "description": "The part that the participant is in",
        "dataType": "sc:Text",
        "source": {
            "fileSet": {"@id": _FILES},
            "extract": {"fileProperty": "fullpath"},
            # Of a path its folder, and of what was found so far the same again: loaders apply it twice.
            "transform": {"regex": f"^({'|'.join(PARTS)})/?.*$"},
        },
        "references": {"field": {"@id": f"{_PARTS}/name"}},
    }
    return {
        "@type": "cr:RecordSet",
        "@id": _READINGS,
        "name": _READINGS,
        "description": "The readings of all parts.",
        "field": [part, *map(_field, columns)],
    }


def _field(column: Column) -> dict[str, Any]:
    return {
        "@type": "cr:Field",
        "@id": f"{_READINGS}/{column.name}",
        "name": column.name,
        "description": column.meaning,
        "dataType": _type(column.type),
        "source": {"fileSet": {"@id": _FILES}, "extract": {"column": column.name}},
    }


def _type(spark: T.DataType) -> str:
    if isinstance(spark, T.IntegralType):
        return "sc:Integer"
    if isinstance(spark, T.FractionalType):
        return "sc:Float"
    if isinstance(spark, T.BooleanType):
        return "sc:Boolean"
    if isinstance(spark, T.DateType):
        return "sc:Date"
    return "sc:DateTime" if isinstance(spark, T.TimestampType | T.TimestampNTZType) else "sc:Text"
