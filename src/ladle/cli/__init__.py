"""The command line: thin commands, each calling one library function. Only here does a process exit."""
