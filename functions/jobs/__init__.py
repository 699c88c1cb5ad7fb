"""`/jobs`: what became of work that was accepted with 202, in every version."""
