"""Which of many small things are merged, so that what a row costs does not grow with the number of runs."""

from collections.abc import Mapping

# So many batches of a kind, or files, are never merged; and so many are left at most, where there were more.
_MANY, _FEW = 12, 4


def small(sizes: Mapping[str, int]) -> set[str]:
    """The small ones of too many: merging those, a row is written again a logarithmic number of times."""
    if len(sizes) <= _MANY:
        return set()
    chosen: set[str] = set()
    octets = 0
    for name, size in sorted(sizes.items(), key=lambda one: one[1]):
        if len(sizes) - len(chosen) < _FEW and size > octets:
            break
        chosen.add(name)
        octets += size
    return chosen
