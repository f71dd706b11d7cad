"""Protocols: a referral becomes a request in the agency's own words, its reply a receipt or a decision."""
