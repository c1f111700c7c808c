"""What this machine is: asked of NVML, read from the system's files, or read from a record."""
