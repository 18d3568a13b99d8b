"""`gateway torture`: kills and faults while messages flow, and ledgers that tell what became of them.

The driver knows the gateway as a platform knows it, by the SDK (`gateway.client`) and what an SDK needs to be
set up (keys, seals); as an operator knows it, by its commands; and as the machine knows it, by its processes.
Nothing that decides what counts as lost or doubled is the gateway's own code.
"""
