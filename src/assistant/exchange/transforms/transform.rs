//! What a transform is, and a chain of them.

/// One step between the model and what people read. What it gives in all depends on the whole text, never on where the pieces end.
pub trait Transform: Send {
    /// Takes the next piece and appends to `out` what may go on; the rest is held back.
    fn push(&mut self, piece: &str, out: &mut String);

    /// Takes the end of the text and appends what was held back, or what an end needs.
    fn finish(&mut self, out: &mut String);
}

/// Transforms in the order in which text goes through them.
pub struct Chain(Vec<Box<dyn Transform>>);

impl Chain {
    /// A chain of these.
    #[must_use]
    pub fn new(steps: Vec<Box<dyn Transform>>) -> Self {
        Self(steps)
    }

    /// The whole text through a chain that is new.
    #[must_use]
    pub fn apply(mut self, text: &str) -> String {
        let mut out = String::new();
        self.push(text, &mut out);
        self.finish(&mut out);
        out
    }
}

impl Transform for Chain {
    fn push(&mut self, piece: &str, out: &mut String) {
        let mut text = piece.to_owned();
        for step in &mut self.0 {
            let mut next = String::new();
            step.push(&text, &mut next);
            text = next;
        }
        out.push_str(&text);
    }

    fn finish(&mut self, out: &mut String) {
        let mut text = String::new();
        for step in &mut self.0 {
            let mut next = String::new();
            step.push(&text, &mut next);
            step.finish(&mut next);
            text = next;
        }
        out.push_str(&text);
    }
}
