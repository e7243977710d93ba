"""The rules of chatting, and no I/O: what may happen, what it changes, who hears of it.

Time, ids and storage are handed in through ports; how a client sees any of it is for a contract.
"""
