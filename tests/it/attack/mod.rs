//! The attacks of the catalogue that need the whole program: what is hostile gets nothing, and says so in one line.

mod images;
mod registry;
