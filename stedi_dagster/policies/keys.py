"""How people and devices are recognised across feeds that write them differently."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812 - PySpark's own convention

# Spelled out because engines differ in what `trim` takes for white space: this is all that Unicode does.
_ASCII_WHITE_SPACE = " \t\r\n\f\x0b"
_WHITE_SPACE = (
    _ASCII_WHITE_SPACE + "\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
# What `lower` does not do alike. A capital sigma becomes one of two small ones, by the letters around it, so that
# an address and its capitals could differ; and the letters that Unicode 17 added have small ones on Sail only.
_LOWERED_UNLIKE = "\u03c2\ua7ce\ua7d2\ua7d4" + "".join(map(chr, range(0x16EA0, 0x16EB9)))
_LOWERED_ALIKE = "\u03c3\ua7cf\ua7d3\ua7d5" + "".join(map(chr, range(0x16EBB, 0x16ED4)))

# Letters that Unicode has had since version 15, and Python, before 3.14, has not.
_NEWER = "\u1c89\ua7cb\ua7cc\ua7da\ua7dc" + "".join(map(chr, range(0x10D50, 0x10D66)))
_NEWER_LOWERED = "\u1c8a\u0264\ua7cd\ua7db\u019b" + "".join(map(chr, range(0x10D70, 0x10D86)))
_ALIKE = str.maketrans(_LOWERED_UNLIKE + _NEWER, _LOWERED_ALIKE + _NEWER_LOWERED)


def matching_key(column: str) -> Column:
    """An address or serial number, trimmed and lower-cased: two that are equal stand for one person or device."""
    text = F.col(column)
    in_ascii = F.lower(F.btrim(text, F.lit(_ASCII_WHITE_SPACE)))
    in_any_script = F.translate(F.lower(F.btrim(text, F.lit(_WHITE_SPACE))), _LOWERED_UNLIKE, _LOWERED_ALIKE)
    # Nearly all are ASCII, for which the short way is three times faster.
    return F.when(F.octet_length(text) == F.char_length(text), in_ascii).otherwise(in_any_script)


def key_of(text: str) -> str:
    """What `matching_key` makes of a value, for whoever has it in this process."""
    return text.strip(_WHITE_SPACE).lower().translate(_ALIKE)


def with_keys(frame: DataFrame, *columns: str) -> DataFrame:
    """The frame with the named columns replaced by their matching keys."""
    return frame.withColumns({column: matching_key(column) for column in columns})
