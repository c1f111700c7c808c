"""The proof: a model loaded in 8 bits and a LoRA step trained, by the new environment's own Python."""
