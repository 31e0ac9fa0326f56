//! Arrow record batches out: CSV, JSON Lines, Parquet, Arrow IPC.
