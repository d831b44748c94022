//! What Markdown becomes, row by row, and what holds for any text.

use proptest::{prelude::*, sample::select};

use super::{Document, Tables, plain, samples};
use crate::matrix::{fuzz::answer, html};

fn to_html(markdown: &str) -> String {
    html::to_html(markdown, &[], Tables::Text)
}

/// What is shown where few elements are known.
fn shown(markdown: &str) -> String {
    samples::visible(&to_html(markdown), &samples::STRICT)
}

#[test]
fn operators_stay_and_emphasis_does_too() {
    for (markdown, html) in [
        ("5*4*3*2*1", "<p>5*4*3*2*1</p>"),
        ("12*30*1,05", "<p>12*30*1,05</p>"),
        ("2**3**2", "<p>2**3**2</p>"),
        ("**5*4*3**", "<p><strong>5*4*3</strong></p>"),
        ("**a*b*c**", "<p><strong>a*b*c</strong></p>"),
        ("3 * 4 * 5", "<p>3 * 4 * 5</p>"),
        ("5*(3+2)*4*(1+1)", "<p>5*(3+2)*4*(1+1)</p>"),
        ("10%*5*2 €*3", "<p>10%*5*2 €*3</p>"),
        ("5*-3*2", "<p>5*-3*2</p>"),
        ("x**2 + y**2", "<p>x**2 + y**2</p>"),
        ("3*prix*2", "<p>3*prix*2</p>"),
        ("100*100/400*56", "<p>100*100/400*56</p>"),
        ("~5 à ~10, soit 5~10 et 15~20", "<p>~5 à ~10, soit 5~10 et 15~20</p>"),
        ("*5* et **5**", "<p><em>5</em> et <strong>5</strong></p>"),
        ("~~5~~", "<p><del>5</del></p>"),
        (
            "*f*(x) et **P**roduit **I**ntérieur",
            "<p><em>f</em>(x) et <strong>P</strong>roduit <strong>I</strong>ntérieur</p>",
        ),
        ("**P**I**B**", "<p><strong>P</strong>I<strong>B</strong></p>"),
        ("**Article 5**(1)", "<p><strong>Article 5</strong>(1)</p>"),
        ("**Délai :**3 mois", "<p><strong>Délai :</strong>3 mois</p>"),
        ("**« Oui »**dit-il", "<p><strong>« Oui »</strong>dit-il</p>"),
        ("un*deux*trois", "<p>un<em>deux</em>trois</p>"),
        ("nom_de_fichier_2", "<p>nom_de_fichier_2</p>"),
        ("* 5\n* 4", "<ul>\n<li>5</li>\n<li>4</li>\n</ul>"),
        ("`5*4*3`", "<p><code>5*4*3</code></p>"),
        ("    5*4*3", "<pre><code>5*4*3</code></pre>"),
        ("[5*4*3](https://a/5*4*3)", "<p>5*4*3 (https://a/5*4*3)</p>"),
        ("<https://a/5*4*3>", "<p>https://a/5*4*3</p>"),
    ] {
        assert_eq!(to_html(markdown), html, "{markdown}");
    }
}

#[test]
fn tables_are_text_that_a_phone_shows() {
    for (markdown, html, body) in [
        (
            "| Pays | Hab. |\n|:---|---:|\n| France | 68 |\n| *Malte* | **1** |",
            "<pre><code>Pays   | Hab.\n-------+-----\nFrance |   68\nMalte  |    1\n</code></pre>",
            "Pays   | Hab.\n-------+-----\nFrance |   68\nMalte  |    1",
        ),
        // Characters of two columns, of none, and a cell of two lines.
        (
            "|国|é|\n|-|:-:|\n|日本|e\u{301}x<br>y|",
            "<pre><code>国   | é\n-----+---\n日本 | e\u{301}x\n     | y\n</code></pre>",
            "国   | é\n-----+---\n日本 | e\u{301}x\n     | y",
        ),
        (
            "| A | B |\n|---|---|\n| un texte qui est long | un texte qui est long |\n| x | |",
            "<ul>\n<li><strong>A\u{a0}:</strong> un texte qui est long<br />\n<strong>B\u{a0}:</strong> un texte qui est long</li>\n\
             <li><strong>A\u{a0}:</strong> x</li>\n</ul>",
            "- A\u{a0}: un texte qui est long\n  B\u{a0}: un texte qui est long\n- A\u{a0}: x",
        ),
        // What is in a block of code is no link.
        (
            "|a|\n|-|\n|[x](https://y/)|",
            "<ul>\n<li><strong>a\u{a0}:</strong> x (https://y/)</li>\n</ul>",
            "- a\u{a0}: x (https://y/)",
        ),
        // So is no text in it struck out.
        (
            "| Titre | Prix |\n|---|---|\n| Passeport | ~~100 €~~ 86 € |\n| Permis | <s>30 €</s> 25 € |",
            "<ul>\n<li><strong>Titre\u{a0}:</strong> Passeport<br />\n<strong>Prix\u{a0}:</strong> <del>100 €</del> 86 €</li>\n\
             <li><strong>Titre\u{a0}:</strong> Permis<br />\n<strong>Prix\u{a0}:</strong> <del>30 €</del> 25 €</li>\n</ul>",
            "- Titre\u{a0}: Passeport\n  Prix\u{a0}: ~~100 €~~ 86 €\n- Titre\u{a0}: Permis\n  Prix\u{a0}: ~~30 €~~ 25 €",
        ),
        ("> |a|\n> |-|\n> |b|", "<blockquote>\n<pre><code>a\n-\nb\n</code></pre>\n</blockquote>", "> a\n> -\n> b"),
        ("| $x^2$ | 5*4*3 |\n|-|-|", "<pre><code>x² | 5*4*3\n---+------\n</code></pre>", "x² | 5*4*3\n---+------"),
    ] {
        assert_eq!((&*to_html(markdown), &*plain(markdown)), (html, body), "{markdown}");
    }
}

#[test]
fn a_link_in_a_table_is_one_where_it_is_allowed() {
    let html = html::to_html("|a|\n|-|\n|[x](https://y/)|", &["https://y/".to_owned()], Tables::Text);
    assert_eq!(html, "<ul>\n<li><strong>a\u{a0}:</strong> <a href=\"https://y/\">x</a></li>\n</ul>");
}

#[test]
fn titles_that_would_be_repeated_without_end_are_not() {
    let row = "|x".repeat(60);
    let table = format!(
        "{}|\n{}|\n{}",
        "|un titre assez long pour peser".repeat(60),
        "|-".repeat(60),
        format!("{row}|\n").repeat(60)
    );
    assert!(to_html(&table).len() < 3 * table.len());
}

#[test]
fn tags_break_lines_are_rendered_or_dropped_and_always_balanced() {
    for (markdown, html, body) in [
        ("- a<br>b<br/>c", "<ul>\n<li>a<br />\nb<br />\nc</li>\n</ul>", "- a\nb\nc"),
        ("a<br>\nb", "<p>a<br />\nb</p>", "a\nb"),
        ("<br>\nTexte **gras**", "<p>Texte <strong>gras</strong></p>", "Texte **gras**"),
        ("x<sup>2</sup> et H<sub>2</sub>O", "<p>x² et H₂O</p>", "x² et H₂O"),
        ("1<sup>er</sup>", "<p>1<sup>er</sup></p>", "1er"),
        ("e<sup>-x/2</sup>", "<p>e^(-x/2)</p>", "e^(-x/2)"),
        ("note<sup>[1]</sup>", "<p>note<sup>[1]</sup></p>", "note[1]"),
        (
            "<b>a</b> <i>b</i> <u>c</u> <s>d</s>",
            "<p><strong>a</strong> <em>b</em> <u>c</u> <del>d</del></p>",
            "a b c ~~d~~",
        ),
        ("<kbd>Ctrl</kbd>", "<p><code>Ctrl</code></p>", "Ctrl"),
        ("<span>a</span>", "<p>a</p>", "a"),
        ("<p>a</p>\n\n<p>**b**</p>", "<p>a<br />\n</p>\n<p><strong>b</strong><br />\n</p>", "a\n\n\n**b**\n"),
        ("<hr>", "<hr />", "---"),
        ("<strong>a", "<p>&lt;strong&gt;a</p>", "<strong>a"),
        ("a</strong>", "<p>a</p>", "a"),
        ("<b>a, <i>b</b>", "<p><strong>a, &lt;i&gt;b</strong></p>", "a, <i>b"),
        ("a <b>c", "<p>a &lt;b&gt;c</p>", "a <b>c"),
        (
            "<service>, <section>, <code>, <mark>, <q>",
            "<p>&lt;service&gt;, &lt;section&gt;, &lt;code&gt;, &lt;mark&gt;, &lt;q&gt;</p>",
            "<service>, <section>, <code>, <mark>, <q>",
        ),
        ("- <article>\n- <span>x", "<ul>\n<li>&lt;article&gt;</li>\n<li>x</li>\n</ul>", "- <article>\n- x"),
        ("La balise <b> met en gras", "<p>La balise &lt;b&gt; met en gras</p>", "La balise <b> met en gras"),
        ("a <mark>b</mark> <q>c</q>", "<p>a b c</p>", "a b c"),
        (
            "<details>\n<summary>Titre</summary>\n\nTexte\n\n</details>",
            "<p>Titre<br />\n</p>\n<p>Texte</p>",
            "Titre\n\n\nTexte\n\n",
        ),
        ("a<b>c", "<p>a&lt;b&gt;c</p>", "a<b>c"),
        ("<strong>a **b</strong> c**", "<p>a <strong>b c</strong></p>", "a **b c**"),
        ("<strong><em>a</strong></em>", "<p><strong>a</strong></p>", "a"),
        ("<strong>a\n\nb</strong>", "<p>a</p>\n<p>b</p>", "a\n\nb"),
        ("<sup><br></sup>", "<p><sup><br />\n</sup></p>", "\n"),
        ("<b class=\"x\">a</b>", "<p>&lt;b class=\"x\"&gt;a&lt;/b&gt;</p>", "<b class=\"x\">a</b>"),
        ("<votre nom> <nom>", "<p>&lt;votre nom&gt; &lt;nom&gt;</p>", "<votre nom> <nom>"),
        ("`<br>`", "<p><code>&lt;br&gt;</code></p>", "`<br>`"),
        ("```\n<br>\n```", "<pre><code>&lt;br&gt;\n</code></pre>", "```\n<br>\n```"),
        ("@ro<span></span>om", "<p>@\u{2060}room</p>", "@room"),
    ] {
        let found = (to_html(markdown), plain(markdown));
        assert_eq!((&*found.0, &*found.1), (html, body), "{markdown}");
    }
}

#[test]
fn formulas_are_text_or_code() {
    for (markdown, html, body) in [
        (r"On a \(x^2\).", "<p>On a x².</p>", "On a x²."),
        (r"**Donc $x \times 2$**", "<p><strong>Donc x × 2</strong></p>", r"**Donc x × 2**"),
        ("\\[\nx = 1\n+ y\n\\]", "<p>x = 1 + y</p>", "x = 1 + y"),
        ("- a\n\n  $$\n  x_1*y_1*z\n  $$", "<ul>\n<li>\n<p>a</p>\n<p>x₁*y₁*z</p>\n</li>\n</ul>", "- a\n\n  x₁*y₁*z"),
        (
            "\\[ \\begin{pmatrix} a & b \\end{pmatrix} \\]",
            "<pre><code>\\begin{pmatrix} a &amp; b \\end{pmatrix}\n</code></pre>",
            "`\\begin{pmatrix} a & b \\end{pmatrix}`",
        ),
        (r"Soit \(\overline{AB}\).", r"<p>Soit <code>\overline{AB}</code>.</p>", r"Soit `\overline{AB}`."),
        (r"12 \times 30 \neq \alpha", r"<p>12 × 30 ≠ \alpha</p>", r"12 × 30 ≠ \alpha"),
        (r"\\serveur\partage et \\autre\", r"<p>\\serveur\partage et \\autre\</p>", r"\\serveur\partage et \\autre\"),
        ("5 $ et 10 $", "<p>5 $ et 10 $</p>", "5 $ et 10 $"),
        ("**$5** and **$10**", "<p><strong>$5</strong> and <strong>$10</strong></p>", "**$5** and **$10**"),
        (r"`\(x\)` et ``$x$``", r"<p><code>\(x\)</code> et <code>$x$</code></p>", r"`\(x\)` et ``$x$``"),
        (r"Réf. \[A-12\]", "<p>Réf. [A-12]</p>", r"Réf. \[A-12\]"),
        (r"\[1\] et \*", "<p>[1] et *</p>", r"\[1\] et \*"),
        (r"$@\text{room}$", "<p>@\u{2060}room</p>", "@room"),
    ] {
        assert_eq!((&*to_html(markdown), &*plain(markdown)), (html, body), "{markdown}");
    }
}

#[test]
fn letters_of_the_private_planes_stand_for_nothing() {
    assert_eq!(to_html("\u{f0000}5*4*3\u{f0001}"), "<p>\u{fffd}5*4*3\u{fffd}</p>");
}

fn soup() -> impl Strategy<Value = String> {
    let pieces = vec![
        "$",
        "$$",
        "\\(",
        "\\)",
        "\\[",
        "\\]",
        "\\frac{a}{b}",
        "^2",
        "_1",
        "\\begin{a}",
        "\\end{a}",
        "<b>",
        "</b>",
        "<sup>",
        "</sup>",
        "<sub>2</sub>",
        "<br>",
        "<p>",
        "</p>",
        "<hr>",
        "<li>",
        "<code>",
        "</code>",
        "*",
        "**",
        "~~",
        "~",
        "`",
        "```\n",
        "|",
        "| a | b |\n",
        "|--|:-:|\n",
        "\n",
        "\n\n",
        "> ",
        "- ",
        "1. ",
        "    ",
        "a",
        "5",
        "5*4*3",
        " ",
        "@room",
        "[x](https://a.fr/)",
        "<x>",
        "&",
        "\\",
        "@ro",
        "om",
        "\u{f0000}",
        "é",
        "日本",
    ];
    prop::collection::vec(select(pieces), 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn figures_are_shown_as_they_were_computed(
        first in "[1-9][0-9]{0,3}(,[0-9]{1,2})?",
        rest in prop::collection::vec(
            (
                select(vec!["*", "**", "~", "_", "+", "-", "/", "^", " * ", "×", "%*", "*-", "*√", " - ", "="]),
                "[1-9][0-9]{0,3}(,[0-9]{1,2})?",
            ),
            1..9,
        ),
        place in select(vec!["…", "Soit …", "**…**", "- …", "> …", "# …", "*voir …*, oui", "Un **mot**, … et *deux*", "|a|\n|-|\n|…|"]),
    ) {
        let figures = rest.into_iter().fold(first.clone(), |text, (sign, number)| format!("{text}{sign}{number}"));
        let markdown = place.replace('…', &figures);
        let shown = shown(&markdown);
        prop_assert!(shown.contains(&figures), "{} in {}", figures, shown);
        prop_assert!(!shown.contains("voir") || !shown.contains("*voir"), "{}", shown);
        prop_assert!(!markdown.starts_with("**") || to_html(&markdown).contains("<strong>"));
        prop_assert!(plain(&markdown).contains(&figures));
    }

    #[test]
    fn markdown_without_figures_and_formulas_is_read_as_it_is(
        markdown in r"(([a-z]{2,6}|\*[a-z]{2,5}\*|\*\*[a-z]{2,5}\*\*|~~[a-z]{2,5}~~|`[a-z*$]{1,5}`|\[ab\]\(https://a/b\)|[a-z]{2,4}\*[a-z]{2,4}\*)[ .,\n]{1,2}){0,20}",
    ) {
        prop_assert_eq!(&Document::new(&markdown).shielded.text, &markdown);
        prop_assert_eq!(plain(&markdown), markdown);
    }

    #[test]
    fn whatever_is_written_is_balanced_and_does_nothing(markdown in soup()) {
        answer(&markdown);
        answer(&super::settled(&markdown));
        let _ = super::says_enough(&markdown);
    }

    #[test]
    fn code_is_shown_as_it_is(code in r"[a-z0-9*$~<>\\()^_{}|]{1,30}") {
        let shown = shown(&format!("```\n{code}\n```"));
        prop_assert_eq!(shown.trim(), code);
    }
}
