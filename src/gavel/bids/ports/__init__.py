"""What the write side needs of the world, named by role: Protocols with the semantics that types can't say."""
