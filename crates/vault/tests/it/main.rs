//! What the vault promises, through its public interface.

mod keychain;
mod protection;
mod ring;
mod seal;
