"""One file per party of Sec. 3.2, and the families of the attackers."""
