"""rigfit fits a proven 8-bit LoRA environment to the machine in front of you."""
