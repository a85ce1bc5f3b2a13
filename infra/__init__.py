"""The AWS side as code: one CloudFormation stack, and the commands that deploy and destroy it.

The platform itself does not import this package.
"""
