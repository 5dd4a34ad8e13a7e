"""The first quarter of an hour of a newcomer, on minimal machines; run by hand, not by CI."""
