"""Random histories of consent: landings, runs, crashes and erasures against one oracle."""
