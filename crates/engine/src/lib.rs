//! Composition root: store, vault, adapters and background loops as one App.
