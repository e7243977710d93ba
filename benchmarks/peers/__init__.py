"""Chats as people write them by hand with FastAPI: the yardstick that folkmoot is measured against.

They speak the part of the `conversations` contract that the load needs, so one loader drives all.
"""
