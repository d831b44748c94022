//! From the bytes of a file to passages, in a child process that can do nothing else.
