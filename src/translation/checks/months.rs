//! The names of months, and other words of dates, in the languages whose texts are looked at closely. Folded.

/// What is known of a language's words for dates.
pub struct Months {
    /// The names of the months, in order, each with its short forms.
    pub names: [&'static [&'static str]; 12],
    /// Words between the parts of a date.
    pub between: &'static [&'static str],
}

/// The words of a language; nothing where they are not known here.
pub fn of(language: &str) -> Option<&'static Months> {
    Some(match language {
        "fr" => &FRENCH,
        "en" => &ENGLISH,
        "de" => &GERMAN,
        "es" => &SPANISH,
        "it" => &ITALIAN,
        "pt" => &PORTUGUESE,
        "nl" => &DUTCH,
        _ => return None,
    })
}

/// The month that a folded word names.
pub fn month(word: &str, language: &str) -> Option<u32> {
    let in_one = |months: &Months| {
        let names = months.names.iter().position(|names| names.contains(&word));
        names.and_then(|at| u32::try_from(at + 1).ok())
    };
    match of(language) {
        Some(months) => in_one(months),
        // Where the language is not known, any.
        None if language.is_empty() => [&FRENCH, &ENGLISH].into_iter().find_map(in_one),
        None => None,
    }
}

/// Words that are months only with a figure beside them.
pub const DOUBTFUL: [&str; 10] = ["may", "march", "mars", "marc", "sept", "set", "dec", "mar", "ago", "mai"];

static FRENCH: Months = Months {
    names: [
        &["janvier", "janv", "jan"],
        &["fevrier", "fevr", "fev"],
        &["mars"],
        &["avril", "avr"],
        &["mai"],
        &["juin"],
        &["juillet", "juil"],
        &["aout"],
        &["septembre", "sept"],
        &["octobre", "oct"],
        &["novembre", "nov"],
        &["decembre", "dec"],
    ],
    between: &["de", "du"],
};

static ENGLISH: Months = Months {
    names: [
        &["january", "jan"],
        &["february", "feb"],
        &["march", "mar"],
        &["april", "apr"],
        &["may"],
        &["june", "jun"],
        &["july", "jul"],
        &["august", "aug"],
        &["september", "sept", "sep"],
        &["october", "oct"],
        &["november", "nov"],
        &["december", "dec"],
    ],
    between: &["of", "the"],
};

static GERMAN: Months = Months {
    names: [
        &["januar", "janner", "jan"],
        &["februar", "feb"],
        &["marz"],
        &["april", "apr"],
        &["mai"],
        &["juni", "jun"],
        &["juli", "jul"],
        &["august", "aug"],
        &["september", "sept", "sep"],
        &["oktober", "okt"],
        &["november", "nov"],
        &["dezember", "dez"],
    ],
    between: &[],
};

static SPANISH: Months = Months {
    names: [
        &["enero", "ene"],
        &["febrero", "feb"],
        &["marzo", "mar"],
        &["abril", "abr"],
        &["mayo"],
        &["junio", "jun"],
        &["julio", "jul"],
        &["agosto", "ago"],
        &["septiembre", "setiembre", "sept"],
        &["octubre", "oct"],
        &["noviembre", "nov"],
        &["diciembre", "dic"],
    ],
    between: &["de", "del"],
};

static ITALIAN: Months = Months {
    names: [
        &["gennaio", "gen"],
        &["febbraio", "feb"],
        &["marzo", "mar"],
        &["aprile", "apr"],
        &["maggio", "mag"],
        &["giugno", "giu"],
        &["luglio", "lug"],
        &["agosto", "ago"],
        &["settembre", "set"],
        &["ottobre", "ott"],
        &["novembre", "nov"],
        &["dicembre", "dic"],
    ],
    between: &["di", "del"],
};

static PORTUGUESE: Months = Months {
    names: [
        &["janeiro", "jan"],
        &["fevereiro", "fev"],
        &["marco", "mar"],
        &["abril", "abr"],
        &["maio"],
        &["junho", "jun"],
        &["julho", "jul"],
        &["agosto", "ago"],
        &["setembro", "set"],
        &["outubro", "out"],
        &["novembro", "nov"],
        &["dezembro", "dez"],
    ],
    between: &["de", "do"],
};

static DUTCH: Months = Months {
    names: [
        &["januari", "jan"],
        &["februari", "feb"],
        &["maart", "mrt"],
        &["april", "apr"],
        &["mei"],
        &["juni", "jun"],
        &["juli", "jul"],
        &["augustus", "aug"],
        &["september", "sept", "sep"],
        &["oktober", "okt"],
        &["november", "nov"],
        &["december", "dec"],
    ],
    between: &["van"],
};
