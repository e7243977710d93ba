"""What `make bench` runs: the same load on folkmoot and on hand-written chats, side by side.

Nothing here is imported by the server or shipped in the wheel.
"""
