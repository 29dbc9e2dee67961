"""Reading and checking the digest chain of the log."""
