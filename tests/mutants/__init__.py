"""The comparisons of verifier, gate and guardrails, each changed once."""
