//! The lists that are open in a text, for the marks of their items: HTML and Markdown have them alike.

/// Each list that is open, with the number of its next item where it is numbered.
#[derive(Default)]
pub(super) struct Lists(Vec<Option<u64>>);

impl Lists {
    /// A list begins, with the number of its first item where it is numbered.
    pub(super) fn begin(&mut self, first: Option<u64>) {
        self.0.push(first);
    }

    pub(super) fn end(&mut self) {
        self.0.pop();
    }

    /// How deep the innermost list lies: 0 in no other.
    pub(super) fn depth(&self) -> usize {
        self.0.len().saturating_sub(1)
    }

    /// The mark of the next item: `-` or `3.`.
    pub(super) fn mark(&mut self) -> String {
        match self.0.last_mut() {
            Some(Some(number)) => {
                let mark = format!("{number}.");
                *number = number.saturating_add(1);
                mark
            }
            _ => "-".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Lists;

    #[test]
    fn each_list_has_its_own_marks() {
        let mut lists = Lists::default();
        assert_eq!((lists.mark(), lists.depth()), ("-".to_owned(), 0), "an item of no list");
        lists.begin(Some(3));
        assert_eq!(lists.mark(), "3.");
        lists.begin(None);
        assert_eq!((lists.mark(), lists.depth()), ("-".to_owned(), 1));
        lists.end();
        assert_eq!((lists.mark(), lists.depth()), ("4.".to_owned(), 0));
        lists.begin(Some(u64::MAX));
        assert_eq!(lists.mark(), lists.mark());
    }
}
