//! What the renderers promise, through their public interface.

mod chart;
mod icon;
mod stylesheet;
