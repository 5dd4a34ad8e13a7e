"""`make screenshots`: current pictures of a seeded server for the documentation."""
