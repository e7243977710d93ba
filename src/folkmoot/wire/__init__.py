"""Engine.IO 4 and Socket.IO 5 as pure state machines, and the lane that carries their bytes.

Start reading at `application` for what a contract sees, at `engine` and `socket` for the protocols.
"""
