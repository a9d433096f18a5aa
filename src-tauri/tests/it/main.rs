//! The commands, called as the window calls them.

mod bindings;
