"""The configuration folder: who must consent, how they are reached, what they mean. YAML in, models out."""
