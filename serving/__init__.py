"""What the three HTTP services (api, monitor, storage) have in common; see decision 2 in DECISIONS.md."""
