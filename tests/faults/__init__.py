"""What goes wrong on purpose: processes killed, disks filled, downloads cut off, files torn."""
