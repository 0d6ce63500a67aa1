//! What goes wrong outside: killed processes, missing directories, a full disk, forbidden privileges.
