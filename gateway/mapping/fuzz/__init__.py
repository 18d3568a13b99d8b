"""Messages that nobody thought of, sent through a mapping: does it keep what it promises?

A case is a source message that is valid under the platform's schema (or hostile, and then only to be refused or
mapped). The result must be valid for the receiver or refused with the sender's own path; the generated function and
the slow evaluator must agree; nothing may crash. What fails is shrunk.

Made with `random`, not with hypothesis: an integrator runs it where only the gateway is installed, and 56,000 cases
must take minutes.
"""
