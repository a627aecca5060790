"""Orchestration: the steps as data, a runner for the command line, thin renderings for Airflow.

Standard library only, and it imports no other package of the platform: every step is a process.
"""
