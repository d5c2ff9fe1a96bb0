"""The command line's questions over HTTP: one application, `ortholens api`, in a process of its own."""
