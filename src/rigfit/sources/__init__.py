"""Where packages come from: what uv and pip are told on this machine, their caches and folders, and uv's words."""
