//! Checks that nearly fire, and checks with nothing known.
