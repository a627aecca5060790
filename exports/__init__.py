"""What leaves the platform: verified nights are published, months closed, files written for their
receivers.
"""
