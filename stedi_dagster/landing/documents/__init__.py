"""Reads JSON documents in any arrangement: what Python's decoder can read, and where everything else is.

Nothing here knows what a record is (`records` does), nor how a file is packed and encoded (`formats` does).
"""

from stedi_dagster.landing.documents.document import (
    ARRAY_WITHOUT_END,
    NOT_JSON,
    NOT_RECORDS,
    STRAY_SEPARATOR,
    Ambiguous,
    Document,
)
from stedi_dagster.landing.documents.reader import read_documents

__all__ = [
    "ARRAY_WITHOUT_END",
    "NOT_JSON",
    "NOT_RECORDS",
    "STRAY_SEPARATOR",
    "Ambiguous",
    "Document",
    "read_documents",
]
