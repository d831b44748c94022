//! Whether an answer refuses, or says that it does not know.

use super::words::contains;

/// What refusals say, as texts are compared.
const SAID: [&str; 48] = [
    "je ne peux pas",
    "je ne peux ni",
    "je ne puis",
    "je ne suis pas en mesure",
    "je ne suis pas habilite",
    "je ne dispose pas",
    "je ne sais pas",
    "je l'ignore",
    "je n'ai pas",
    "je n'ai aucune",
    "je n'ai rien trouve",
    "je ne trouve pas",
    "je ne connais pas",
    "je ne vois pas",
    "je ne donne pas",
    "je ne fournis pas",
    "je ne me prononce pas",
    "je n'y reponds pas",
    "je ne reponds pas",
    "je ne fais pas",
    "ne figure pas",
    "ne figurent pas",
    "n'est pas precise",
    "ne precise pas",
    "ne precisent pas",
    "ne dit pas",
    "ne disent pas",
    "n'indique pas",
    "n'indiquent pas",
    "impossible de",
    "il m'est impossible",
    "je refuse",
    "hors de mon",
    "depasse mon",
    "pas de mon ressort",
    "sort de mon",
    "i cannot",
    "i can't",
    "i am not able",
    "i'm not able",
    "i am unable",
    "i do not know",
    "i don't know",
    "i do not have",
    "i don't have",
    "does not say",
    "is not mentioned",
    "i'm sorry, but",
];

/// Whether an answer, as texts are compared, refuses or says that it does not know.
pub(super) fn is_one(plain: &str) -> bool {
    SAID.iter().any(|said| contains(plain, said))
}
