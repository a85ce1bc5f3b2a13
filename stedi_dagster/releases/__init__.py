"""Releases: named data sets of machine_learning_curated for training, each cut again whenever somebody leaves it."""
