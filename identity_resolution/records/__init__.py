"""Who is who in any table of records: columns and their kinds in, clusters and reasons out."""
