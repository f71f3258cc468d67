"""The networks of the parties (Sec. 3.2) and of the attackers (Sec. 3.6)."""
