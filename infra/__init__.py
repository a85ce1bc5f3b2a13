"""The AWS side as code: one CloudFormation stack, and the commands that deploy and destroy it."""
