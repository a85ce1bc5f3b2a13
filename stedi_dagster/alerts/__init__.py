"""Who hears of a failed check or run, and of its recovery: at least once, in order, without repeats (ADR 7).

`record` writes what ended runs say into the outbox, `deliver` sends from there; either may happen in any process.
"""
