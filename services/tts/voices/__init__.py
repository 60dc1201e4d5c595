"""The voices that clients register: checked, kept here, shared with the replicas, forgotten."""
