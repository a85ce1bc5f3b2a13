"""Tests of the landing-data generator."""
