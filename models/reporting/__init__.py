"""What leaves the program: pictures and records, the same for the screen, the command line and files."""
