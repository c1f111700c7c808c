"""Values and pure functions: no files, clock, processes or logging."""
