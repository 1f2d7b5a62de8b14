//! The log and the tables that follow from it, in SQLite.
