"""Attacks on the protocol that prevents a second ring; see docs/reliability.md."""
