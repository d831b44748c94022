//! Plates, passports and identity cards by their form.

use super::kind::Kind;
use super::page::Page;
use super::run::Run;
use super::said::{Said, said};

/// Whether characters have a form: `A` a letter, `9` a digit, `*` either.
fn has_form(text: &str, form: &str) -> bool {
    text.len() == form.len()
        && text.bytes().zip(form.bytes()).all(|(byte, wanted)| match wanted {
            b'A' => byte.is_ascii_alphabetic(),
            b'9' => byte.is_ascii_digit(),
            _ => byte.is_ascii_alphanumeric(),
        })
}

/// What its form tells, in capitals or where the text says what it is.
pub(super) fn by_form(page: &Page<'_>, run: &Run) -> Option<(Kind, usize)> {
    let capitals = |length: usize| !run.compact[..length].bytes().any(|byte| byte.is_ascii_lowercase());
    if let Some((sizes, next)) = run.groups(7)
        && has_form(&run.compact[..7], "AA999AA")
        && !run.compact[..7].to_ascii_uppercase().contains(['I', 'O', 'U'])
        && (sizes.len() == 1 || sizes == [2, 3, 2])
        && (capitals(7) || hyphens(page, run) || said(page, run.start) == Some(Said::Plate))
    {
        return Some((Kind::Plate, next));
    }
    if let Some((sizes, next)) = run.groups(9)
        && has_form(&run.compact[..9], "99AA99999")
        && (sizes.len() == 1 || sizes == [2, 2, 5])
        && (capitals(9) || said(page, run.start) == Some(Said::Passport))
    {
        return Some((Kind::Passport, next));
    }
    let next = old_plate(run)?;
    let length = next_length(run, next);
    let written = capitals(length) && !run.continues && sizes_of_old(run, length) && !box_number(&run.compact);
    (written || said(page, run.start) == Some(Said::Plate)).then_some((Kind::Plate, next))
}

/// "1945 BP 12" is a year before a box.
fn box_number(compact: &str) -> bool {
    ["BP", "CS"].iter().any(|letters| compact.contains(letters))
}

/// Whether the groups are joined by hyphens.
fn hyphens(page: &Page<'_>, run: &Run) -> bool {
    page.mark(run.start + 1, '-') && page.mark(run.start + 3, '-')
}

/// A plate, where the text says that it is one.
pub(super) fn plate(run: &Run) -> Option<usize> {
    if let Some((_, next)) = run.groups(7)
        && has_form(&run.compact[..7], "AA999AA")
    {
        return Some(next);
    }
    old_plate(run)
}

/// A plate from before 2009: up to four digits, two or three letters, a department.
fn old_plate(run: &Run) -> Option<usize> {
    ["9999AAA99", "9999AA99", "999AAA99", "999AA99", "99AAA99", "99AA99"].into_iter().find_map(|form| {
        let (_, next) = run.groups(form.len())?;
        has_form(&run.compact[..form.len()], form).then_some(next)
    })
}

fn next_length(run: &Run, next: usize) -> usize {
    (6..=9).find(|length| run.groups(*length).is_some_and(|(_, end)| end == next)).unwrap_or(0)
}

/// Whether the groups are those of a plate: digits, letters, department.
fn sizes_of_old(run: &Run, length: usize) -> bool {
    run.groups(length).is_some_and(|(sizes, _)| matches!(sizes[..], [3..=4, 2..=3, 2]))
}
