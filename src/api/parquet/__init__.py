"""A tenant's log and read models as Parquet files for analysts, added to with each run."""
