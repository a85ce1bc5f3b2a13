"""The audits that staged content must pass before it is published. They know no Dagster, and write nothing."""
