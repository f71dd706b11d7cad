"""The conformance kit: proof that hub and agency behave together before a real declaration meets it."""
