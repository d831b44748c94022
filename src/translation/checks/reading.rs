//! A text that is being read, token by token.

use super::tokens::Token;

/// A text that is being read.
pub struct Reading<'a, 'l> {
    pub text: &'a str,
    pub language: &'l str,
    pub tokens: Vec<Token<'a>>,
}

impl<'a> Reading<'a, '_> {
    pub fn token(&self, at: usize) -> Option<&Token<'a>> {
        self.tokens.get(at)
    }

    /// Whether a token follows the one before it without white space.
    pub fn joined(&self, at: usize) -> bool {
        self.token(at).is_some_and(|token| !token.spaced)
    }
}
