//! The server of a space.
