"""One module for each verb: `add` declares its words, `execute` does it and returns the exit code."""
