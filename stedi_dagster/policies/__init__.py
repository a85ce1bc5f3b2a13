"""Who and what is kept: pure functions from DataFrames to a DataFrame."""
