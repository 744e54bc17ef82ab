"""The application: adapters, store, pipeline, command line and daemon."""
