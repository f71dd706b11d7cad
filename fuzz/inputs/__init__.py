"""What is sent: each module makes hostile inputs of one language, from a source of chance."""
