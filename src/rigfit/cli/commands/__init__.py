"""One module for each verb: `HELP` says what it does, `add` declares its words, `execute` does it and returns the exit code."""
