"""The domain: what a declaration, a referral and a decision are, and the rules over them. Pure."""
