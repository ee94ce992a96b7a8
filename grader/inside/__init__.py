"""All that runs beside student code. It imports nothing of the judging side.

In the sandbox this folder is bound alone, so modules here import one another relatively and
otherwise only the standard library and third-party packages.
"""
