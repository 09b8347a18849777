"""The side-by-side harness: reads the corpus, runs a scenario on one agent, compares two runs."""
