"""Invalid and unusual requests, made from the contract's descriptors."""
