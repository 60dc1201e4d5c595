"""Starting what tests talk to: services and Redis as processes, an app in this process."""
