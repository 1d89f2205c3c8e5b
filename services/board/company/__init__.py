"""*My company*: its quotas, what comes up, who may act for it."""
