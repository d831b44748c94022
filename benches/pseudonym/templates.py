"""Texts of public services. The two halves share no sentence.

{A} somebody's full name, {A.t} with "M." or "Mme" before the surname, {A.T} with "Monsieur" or "Madame", {A.f} the first name, {A.l} the surname,
{A.i} an initial and the surname, {A.r} the surname first, {A.v} the name spelled otherwise, {A.m} an e-mail address, {A.x} a Matrix identifier;
{A.e} is "e" for a woman. The rest is by kind.
"""

DEV = [
    "Bonjour, je m'appelle {A} et j'habite à {city}. Je n'arrive pas à joindre la CAF depuis le 3 mars. Mon numéro d'allocataire est le {caf}. Merci de me rappeler au {phone}.",
    "Madame, Monsieur,\nJe soussigné{A.e} {A}, né{A.e} le {birth} à {city}, demeurant {address}, sollicite le renouvellement de mon titre de séjour.\nVeuillez agréer mes salutations distinguées.\n{A}",
    "Très bon accueil à l'agence de {city}. Mon conseiller {B} a été très à l'écoute, merci à lui !",
    "Objet : réclamation\nDossier n° {ref}\n\nMonsieur le Directeur,\n\nPar courrier du 12 janvier 2024, {A.t} m'a refusé l'APL. Or {A.l} n'a pas tenu compte de mes revenus.\n\n{B}\n{address}\nTél. : {phone}",
    "je suis {A}, mon fils {B.f} est scolarisé au collège {school} et on me demande 3 fois les memes papiers. c'est penible",
    "Compte rendu de la réunion du 14 mars 2024\nPrésents : {A}, {B}, {C}\n{A.t} ouvre la séance. {B.f} présente le budget : 12 450,50 € pour l'accueil. {C.t} demande un délai jusqu'au 30 juin.",
    "Nom : {A.l}\nPrénom : {A.f}\nDate de naissance : {birth}\nN° de sécurité sociale : {nir}\nAdresse : {address}\nTéléphone : {phone}\nCourriel : {A.m}",
    "Bonjour {A.f},\nPeux-tu transmettre le dossier de {B} (NIR {nir}) au service ? Elle est joignable au {phone} ou par mail {B.m}.\nMerci,\n{C.f}",
    "Suite à notre entretien téléphonique, je vous confirme que la société {company}, SIRET {siret}, a embauché {A} le 1er septembre. Son IBAN est {iban}.",
    "Impossible de faire ma démarche sur le site de l'ANTS ! Ma carte grise pour le véhicule {plate} est bloquée. {A}, {city}",
    "Attestation\nJe certifie que {A.T}, titulaire du passeport {passport}, réside au {address} depuis 2019.\nFait à {city}, le 4 avril 2024\nLe maire, {B}",
    "J'ai été reçue par une dame très désagréable, {A.t}, au guichet de la préfecture de {city}. Elle m'a dit de revenir lundi.",
    "Rapport social\nLa famille {A.l} est suivie depuis 2022. {A.T} vit avec ses deux enfants, {B.f} et {C.f}. {A.f} travaille chez {company} à mi-temps. Les services de {city} sont informés.",
    "De : {A} <{A.m}>\nÀ : {B} <{B.m}>\nObjet : prime d'activité\n\nBonjour {B.f},\nJe n'ai toujours rien reçu. Mon numéro fiscal est {tax}.\nBien à vous,\n{A.i}",
    "Ma mère {A.T} est hospitalisée à {city} et personne ne veut me donner de procuration. Merci à {B.f} de l'accueil pour son aide.",
    "L'agent {A.r} a saisi la demande le 22 mai. Le contrôleur {B} a validé. L'usager {C} conteste la décision.",
    "Merci de mettre à jour la fiche de {A.r}, matricule {ref}, affectée à {city}. Son ancien nom est {B.l}.",
    "bonjour {A.f} n'a pas recu sa carte vitale, son numero de secu c'est {nir}, il habite {address}. merci de repondre a {A.m}",
    "{A} a appelé ce matin. {A.l} souhaite un rendez-vous. Rappeler {A.f} avant vendredi. Voir aussi le dossier de {A.v}.",
    "Le requérant, {A}, représenté par Maître {B.l}, demande l'annulation de la décision du préfet. L'association {association} intervient au soutien de {A.t}.",
    "Signalement : {A.x} a partagé la carte d'identité n° {cni} de {B} dans le salon. Merci de supprimer.",
    "Paiement refusé avec ma carte {card} pour le timbre fiscal. J'ai appelé le 3939, on m'a dit de voir avec {A.f}. Pas normal.",
    "Mon mari {A} est décédé le 12 février. Je voudrais savoir comment faire pour la pension de réversion. {B.T}, {address}",
    "Le service est excellent. J'ai fait ma demande en dix minutes sur FranceConnect, sans problème. Bravo aux agents de la maison France Services !",
    "La circulaire du 12 mars 2022 et l'article L. 5411-6 du code du travail prévoient un délai de deux mois. Le montant est de 1 250 euros pour 12 500 habitants.",
    "Cher {A.f}, je te confirme que {B.f} sera absente jeudi. {C} la remplace au guichet de {city}.\nAmicalement, {D.f}",
    "Je suis {A} de l'association {association}. Nous accompagnons {B}, qui a perdu son logement à {city}. Son référent, {C.t}, ne répond plus.",
    "Facture de la {form} {company} (SIREN {siren}) adressée à {A.T}, {address}. Règlement par virement sur le compte {iban}.",
    "Liste des candidats :\n- {A.r}\n- {B.r}\n- {C.r}\nJury : {D.t} et le professeur {E.l}.",
    "Le docteur {A.l} a rempli le certificat pour la MDPH. Ma fille {B.f} a 8 ans. Nous habitons {city} et le dossier {ref} est toujours en attente.",
]

TEST = [
    "Bonsoir. Moi c'est {A}, je vis à {city} avec ma compagne. Voilà quatre mois que j'attends ma carte de résident. Vous pouvez m'écrire à {A.m} ou me téléphoner au {phone}.",
    "À l'attention du service des impôts\n\nJe conteste l'avis concernant ma taxe foncière (numéro fiscal {tax}). Le bien situé {address} appartient à {A.t} depuis 2017.\n\nRespectueusement,\n{B}",
    "Avis : 2 étoiles. {A.t} au guichet 4 était aimable mais {B.f}, sa collègue, m'a raccroché au nez. Je retournerai à {city}, tant pis.",
    "Relevé de conclusions — comité du 7 novembre\nÉtaient présents {A}, {B.i} et {C.t}. Excusée : {D}.\n1. {A.l} rappelle le calendrier.\n2. {D.l} transmettra le tableau à {C.f}.",
    "Demande d'acte de naissance. Intéressé{A.e} : {A}, né{A.e} à {city} le {birth}. Père : {B}. Mère : {C}. Envoi au {address}.",
    "jai demander a {A.f} de la mairie elle ma dit que mon dossier {ref} etait perdu. je mapelle {B} et mon tel c {phone} repondez svp",
    "Nous vous informons que {A.T} a été victime d'un accident à {city}. Son employeur, la {form} {company} (SIRET {siret}), a transmis la déclaration. NIR : {nir}.",
    "Fiche de liaison\nUsager : {A}\nTél : {phone}\nVéhicule immatriculé {plate}\nRIB : {iban}\nObservations : ne parle pas bien français, venir avec {B}, son frère.",
    "Bonjour à toutes et à tous,\nJe vous présente {A}, qui rejoint notre équipe lundi. {A.f} vient de {city}, où elle travaillait avec {B.t}. Vous pouvez la joindre à {A.m}.\nBonne journée,\n{C}",
    "Jugement. Attendu que {A.T} et {B.T} se sont mariés à {city} ; que l'enfant {C} est né de cette union ; que Me {D.l} sollicite le renvoi ; le tribunal ordonne une enquête.",
    "On m'a volé mon passeport n° {passport} et ma carte d'identité {cni} dans le train. Je m'appelle {A}, j'ai porté plainte auprès du brigadier {B.l}.",
    "Notre fille {A.f} est inscrite au lycée {school}. La bourse n'est pas versée alors que {B.t}, la secrétaire, nous l'avait promis. Famille {A.l}, {address}.",
    "Tu peux demander à {A.f} ou à {B} ? Le numéro SIREN de {company} est faux, le bon est {siren}. Sinon écris à {A.x}.",
    "Procès-verbal d'audition. {A}, né{A.e} le {birth}, de nationalité française, déclare : « J'ai versé 450 euros à {B}. Depuis, {B.l} ne répond plus. » Lu et approuvé, {A.v}.",
    "Ma tante, {A.T}, perçoit l'ASPA. Elle vit seule à {city} et {B}, l'aide à domicile, ne vient plus. Son numéro allocataire : {caf}.",
    "Transmis par {A.i} le 5 juin à 14 h 30. Voir {B.r} et {C.r} pour la suite. {B.l} gère le secteur de {city}.",
    "Rdv avec {A} mardi. Prévoir une interprète. {A.f} a été orienté{A.e} par l'association {association}. Contact : {B.f}, {phone}.",
    "Votre site est incompréhensible, j'ai payé deux fois avec la carte {card}. Remboursez-moi ! {A} — {A.m}",
    "Merci beaucoup à {A.f} et {B.f} pour leur gentillesse, et à {C.t} qui a débloqué ma situation en une journée.",
    "Les délais sont trop longs et le formulaire Cerfa n° 12100 est illisible. Il faudrait plus d'agents aux guichets, notamment le samedi matin. Cordialement.",
    "Selon le décret n° 2019-1234 du 25 novembre 2019, le Gouvernement peut fixer un plafond de 23 500 euros. Le Conseil d'État a rejeté le recours en 2021.",
    "Arrêté municipal\nLe maire de {city}, {A},\nVu la demande présentée le 3 mai par {B.T}, domicilié{B.e} {address},\nARRÊTE : le permis est accordé à {B.l}.",
    "Bonjour Madame {A.l}, votre conseillère {B} sera absente. Merci de vous adresser à {C}. Votre dossier est complet.\nL'équipe de {city}",
    "Je travaille pour {company} et mon patron, {A.t}, refuse de signer l'attestation. Mon ancien collègue {B} a eu le même souci avec {A.f}.",
]

LEGAL = ["SARL", "SAS", "EURL", "SCI"]
ASSOCIATION = ["Les Amis de {}", "Solidarité {}", "Espoir et Partage", "L'Entraide de {}", "Un Toit pour {}", "Accueil et Vie", "Le Relais {}"]
COMPANY = ["{}", "{} et Fils", "Transports {}", "Ateliers {}", "{} Conseil", "Menuiserie {}", "{} & Associés"]
STREETS = ["rue", "avenue", "boulevard", "allée", "chemin", "impasse", "route", "place", "quai"]
STREET_NAMES = ["des Lilas", "de la République", "Victor Hugo", "du Général de Gaulle", "Jean Jaurès", "de l'Église", "du 8 mai 1945", "des Trois Fontaines",
                "Marie Curie", "de la Gare", "Saint-Michel", "du Moulin", "Louise Michel", "des Écoles", "du Docteur Roux", "d'Alsace"]
