"""Tables: columns out of files and out of memory, part by part."""
