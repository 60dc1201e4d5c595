"""House rules that no linter knows; `python -m deploy.checks` checks them all."""
