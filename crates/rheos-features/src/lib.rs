//! Flows as rows of typed features: one static table, one file per group, Arrow record batches out.
