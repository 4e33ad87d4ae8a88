"""Reads Tracekeep segments, written from SPEC.md alone."""
