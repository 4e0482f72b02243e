"""`lockcheck prove`: a finding shown on a real PostgreSQL, with SQL that is derived from what was read of the code."""
