"""Mathematics on tensors: no files, no registry, no components."""
