"""What is kept between runs: state in SQLite, facts and scores in immutable Parquet."""
