"""Similar-picture search: the core, and its adapters to the outside."""
