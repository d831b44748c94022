//! What is said to who has something forgotten, or asks for what is kept of them. In both languages.

use std::time::Duration;

/// A sentence about what is kept of people.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rights {
    /// This conversation is forgotten.
    ForgottenConversation {
        /// For how long an answer is still taken back with its question.
        withdrawable: Duration,
    },
    /// All of this person is forgotten, everywhere.
    ForgottenPerson {
        /// For how long an answer is still taken back with its question.
        withdrawable: Duration,
        /// How long the audit trail of commands is kept.
        audit: Duration,
    },
    /// The whole room is forgotten.
    ForgottenRoom {
        /// For how long an answer is still taken back with its question.
        withdrawable: Duration,
    },
    /// A conversation with others is forgotten by who administers the room only.
    ForgetOthers,
    /// The export was sent to the direct conversation.
    ExportSent,
    /// The export are the files just above.
    ExportHere,
}

pub fn fr(text: &Rights, span: impl Fn(Duration) -> String) -> String {
    match text {
        Rights::ForgottenConversation { withdrawable } => format!(
            "J’ai oublié cette conversation. Les messages restent affichés dans Tchap. Si vous supprimez les vôtres dans un délai de {}, je retire aussi mes réponses.",
            span(*withdrawable)
        ),
        Rights::ForgottenPerson { withdrawable, audit } => format!(
            "J’ai oublié ce que je gardais de vous, dans tous les salons : nos échanges, vos questions en attente, ce que vous m’avez fait retenir pour vous, vos documents, vos avis, les consignes que vous avez données. Restent :\n\n\
             - les messages affichés dans Tchap ; si vous supprimez les vôtres dans un délai de {}, je retire aussi mes réponses ;\n\
             - vos compagnons (pour en supprimer un : `!compagnon supprimer`) ;\n\
             - sans votre nom, ce que vous avez donné à un salon ou à un compagnon : faits retenus, documents, glossaires, réponses proposées ;\n\
             - ce que d’autres m’ont écrit, même s’ils y parlent de vous ;\n\
             - la trace de vos commandes, sans leur texte, pendant {} ;\n\
             - pour un temps, les sauvegardes.",
            span(*withdrawable),
            span(*audit)
        ),
        Rights::ForgottenRoom { withdrawable } => format!(
            "J’ai oublié tout ce qu’on m’a dit ici, fils compris, avec les documents et ce que je retenais. Le compagnon, la consigne et les réglages restent ; les messages restent affichés dans Tchap. Si quelqu’un supprime sa question dans un délai de {}, je retire aussi ma réponse.",
            span(*withdrawable)
        ),
        Rights::ForgetOthers => "D’autres personnes ont participé à cette conversation : seules les personnes qui administrent ou modèrent ce salon peuvent la faire oublier. Pour vos échanges à vous : `!oublier moi`.".to_owned(),
        Rights::ExportSent => "Je vous ai envoyé vos données en conversation privée, dans deux fichiers : une page à lire et un fichier pour un logiciel.".to_owned(),
        Rights::ExportHere => "Voici ce que je garde de vous : `compagnon.html`, une page à lire dans un navigateur, et `compagnon.json`, pour un logiciel. Ces fichiers restent dans Tchap : enregistrez-les, puis supprimez votre message `!exporter`, et je les retire. Pour effacer ce que je garde : `!oublier moi`.".to_owned(),
    }
}

pub fn en(text: &Rights, span: impl Fn(Duration) -> String) -> String {
    match text {
        Rights::ForgottenConversation { withdrawable } => format!(
            "I have forgotten this conversation. The messages are still shown in Tchap. If you delete yours within {}, I take back my answers too.",
            span(*withdrawable)
        ),
        Rights::ForgottenPerson { withdrawable, audit } => format!(
            "I have forgotten what I kept about you, in all rooms: our exchanges, your waiting questions, what you had me remember for you, your documents, your ratings, the instructions you gave. Still there:\n\n\
             - the messages shown in Tchap; if you delete yours within {}, I take back my answers too;\n\
             - your compagnons (to delete one: `!compagnon delete`);\n\
             - without your name, what you gave to a room or a compagnon: remembered facts, documents, glossaries, proposed answers;\n\
             - what others wrote to me, even where it is about you;\n\
             - the record of your commands, without their text, for {};\n\
             - for a while, backups.",
            span(*withdrawable),
            span(*audit)
        ),
        Rights::ForgottenRoom { withdrawable } => format!(
            "I have forgotten all that I was told here, threads included, with the documents and what I remembered. The compagnon, the instruction and the settings remain; the messages are still shown in Tchap. If someone deletes their question within {}, I take back my answer too.",
            span(*withdrawable)
        ),
        Rights::ForgetOthers => "Other people took part in this conversation: only this room’s administrators and moderators can have it forgotten. For your own exchanges: `!forget me`.".to_owned(),
        Rights::ExportSent => "I have sent you your data in our direct message, in two files: a page to read, and a file for software.".to_owned(),
        Rights::ExportHere => "Here is what I keep about you: `compagnon.html`, a page to read in a browser, and `compagnon.json`, for software. These files stay in Tchap: save them, then delete your `!export` message, and I take them back. To erase what I keep: `!forget me`.".to_owned(),
    }
}

#[cfg(test)]
pub fn samples() -> Vec<Rights> {
    let (withdrawable, audit) = (Duration::from_hours(30 * 24), Duration::from_hours(365 * 24));
    vec![
        Rights::ForgottenConversation { withdrawable },
        Rights::ForgottenPerson { withdrawable, audit },
        Rights::ForgottenRoom { withdrawable },
        Rights::ForgetOthers,
        Rights::ExportSent,
        Rights::ExportHere,
    ]
}
