"""The command line: parses words, calls the engine, prints."""
