//! Spaces near, by mDNS.
