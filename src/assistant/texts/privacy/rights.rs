//! Why data is processed, what must not be done, and what people can do.

use super::view::View;

/// A sentence about purposes and rights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rights {
    /// What for.
    Purpose,
    /// On which legal basis.
    Basis,
    /// That nothing is decided.
    NoDecision,
    /// What it is not to be used for.
    Uses,
    /// What ops add to that.
    ForbiddenUses,
    /// What must not be entered.
    Never,
    /// What ops add to that.
    Forbidden,
    /// Where the charter is.
    Charter,
    /// That what is said here stays here.
    Separation,
    /// How one message is forgotten.
    Delete,
    /// A copy.
    Access,
    /// Erasure.
    Erase,
    /// Rectification of what is remembered.
    Rectify,
    /// The rights for which one writes to somebody.
    Write,
    /// The right that does not apply.
    Portability,
    /// Complaints.
    Complaint,
    /// Where the long notice is.
    Notice,
    /// Where the declaration of accessibility is.
    Accessibility,
    /// When ops last looked at this.
    Updated,
}

impl Rights {
    /// The sentence; nothing where it would not be true.
    pub(super) fn say(self, view: &View<'_>) -> Option<String> {
        let stated = &view.facts.stated;
        Some(match self {
            Self::Purpose => match view.stated(stated.purposes.as_ref()) {
                Some(purposes) => view.say(format!("Finalité : {purposes}."), format!("Purpose: {purposes}.")),
                None => view.say("Je suis là pour vous aider dans votre travail.", "I am here to help you with your work."),
            },
            Self::Basis => {
                let basis = view.stated(stated.legal_basis.as_ref())?;
                view.say(format!("Base légale : {basis}."), format!("Legal basis: {basis}."))
            }
            Self::NoDecision => view.say(
                "Je ne prends aucune décision : une personne relit et décide.",
                "I make no decision: a person checks and decides.",
            ),
            Self::Uses => view.say(
                "Ne m’utilisez pas pour noter, trier ou évaluer des personnes, ni pour décider d’un droit.",
                "Do not use me to grade, sort or assess people, nor to decide on a right.",
            ),
            Self::ForbiddenUses => {
                let uses = view.listed(stated.forbidden_uses.as_ref())?;
                view.say(format!("Usages interdits : {uses}."), format!("Forbidden uses: {uses}."))
            }
            Self::Never => never(view),
            Self::Forbidden => return forbidden(view),
            Self::Charter => {
                let charter = view.stated(stated.charter.as_ref())?;
                view.say(format!("Charte d’usage : {charter}"), format!("Charter of use: {charter}"))
            }
            Self::Separation => view.say(
                "Ce qui se dit ici ne sert à répondre nulle part ailleurs, sauf une réponse que quelqu’un ferait approuver pour d’autres.",
                "What is said here is not used to answer anywhere else, except an answer that somebody has approved for others.",
            ),
            Self::Delete => {
                let after = view.lasting(view.facts.keeps.withdrawable);
                view.say(
                    format!("Supprimez l’un de vos messages : j’oublie l’échange et je retire ma réponse, même si je l’ai oubliée depuis moins de {after}. Modifiez-le : je réponds de nouveau."),
                    format!("If you delete one of your messages, I forget the exchange and withdraw my answer, even where I forgot it less than {after} ago. If you edit it, I answer again."),
                )
            }
            Self::Access => view.say(
                "Accès : `!exporter` vous donne une copie de ce que je garde de vous.",
                "Access: `!export` gives you a copy of what I keep about you.",
            ),
            Self::Erase => view.say(
                "Effacement : `!oublier moi`, pour nos échanges dans tous les salons.",
                "Erasure: `!forget me`, for our exchanges in all rooms.",
            ),
            Self::Rectify => view.say(
                "Rectification : modifiez votre message, ou corrigez ce que je retiens (`!mémoire`).",
                "Rectification: edit your message, or correct what I remember (`!memory`).",
            ),
            Self::Write => match view.stated(stated.dpo.as_ref()).or_else(|| view.stated(stated.contact.as_ref())) {
                Some(whom) => view.say(
                    format!("Rectification, limitation, opposition (RGPD, articles 16, 18 et 21) : {whom}."),
                    format!("Rectification, restriction, objection (GDPR, articles 16, 18 and 21): {whom}."),
                ),
                None => view.say(
                    "Rectification, limitation, opposition (RGPD, articles 16, 18 et 21) : le délégué à la protection des données de votre administration.",
                    "Rectification, restriction, objection (GDPR, articles 16, 18 and 21): the data protection officer of your organisation.",
                ),
            },
            Self::Portability => {
                if !is_public_task(view) {
                    return None;
                }
                view.say(
                    "La portabilité (article 20) ne s’applique pas à une mission d’intérêt public.",
                    "Portability (article 20) does not apply to a task in the public interest.",
                )
            }
            Self::Complaint => view.say("Réclamation : la CNIL, cnil.fr.", "Complaints: the CNIL, cnil.fr."),
            Self::Notice => {
                let notice = view.stated(stated.notice.as_ref())?;
                view.say(format!("Notice complète : {notice}"), format!("Full notice: {notice}"))
            }
            Self::Accessibility => {
                let page = view.stated(stated.accessibility.as_ref())?;
                view.say(format!("Accessibilité : {page}"), format!("Accessibility: {page}"))
            }
            Self::Updated => {
                let date = view.language.date(stated.updated()?);
                view.say(
                    format!("Informations du service relues le {date}."),
                    format!("The service’s information was last checked on {date}."),
                )
            }
        })
    }
}

/// Whether ops say that the basis is a task in the public interest.
fn is_public_task(view: &View<'_>) -> bool {
    let basis = view.stated(view.facts.stated.legal_basis.as_ref()).unwrap_or_default().replace(['(', ')', ' '], "");
    basis.contains("6.1.e") || basis.contains("61e") || basis.contains("6-1-e")
}

/// What must not be entered, in any service.
pub(in crate::assistant::texts) fn never(view: &View<'_>) -> String {
    view.say(
        "Ne m’écrivez ni mot de passe, ni information classifiée ou « Diffusion Restreinte », ni donnée sensible (santé, opinions, syndicat, religion, origine, vie sexuelle, infractions), ni numéro de sécurité sociale.",
        "Do not send me passwords, classified or “Diffusion Restreinte” information, sensitive data (health, opinions, union membership, religion, origin, sex life, offences) or social security numbers.",
    )
}

/// What ops add to that.
pub(in crate::assistant::texts) fn forbidden(view: &View<'_>) -> Option<String> {
    let forbidden = view.listed(view.facts.stated.forbidden.as_ref())?;
    Some(view.say(format!("Ni, de plus : {forbidden}."), format!("Nor: {forbidden}.")))
}
