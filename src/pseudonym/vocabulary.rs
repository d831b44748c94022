//! The words that rules turn on: folded, separated by spaces.

/// Never a name, whatever stands before.
pub(super) const FUNCTION: &str = "a ai aie ailleurs ainsi alors apres as assez au aucun aucune aujourd'hui auquel aussi autant autre autres aux avait \
    avais avant avec avez aviez avions avoir avons ayant beaucoup bien c car ce ceci cela celle celles celui cependant certes ces cet cette ceux \
    chaque chez ci comme comment contre d dans de deja demain depuis derriere des desormais deux devant doit doivent donc dont du durant elle elles \
    en encore enfin ensuite entre envers environ es est et etaient etais etait etant ete etes etre eu eux fait faut fois hier hors hui ici il ils j je jusqu jusque \
    l la laquelle le lequel les leur leurs lors lorsque lui m ma mais malgre me meme memes merci mes mieux moi moins mon n ne neanmoins ni non nos \
    notre nous n'est on ont or ou oui par parce parfois parmi pas pendant peu peut peuvent peux plus plusieurs plutot pour pourquoi pourtant presque \
    puis puisque quand quant que quel quelle quelles quels quelque quelques qui quoi quoique rien s sa sans sauf se selon sera seront serait ses si sinon \
    soit sommes son sont sous souvent suis suite sur surtout t ta tandis tant te tel telle tes toi ton toujours tous tout toute toutes tres trop tu un une va \
    vais vers veuillez via voici voila vos votre vous vraiment y svp stp rdv car etc ok mdp sms mail mails email tel pj ps nb dont cf ca jai jattends jsuis \
    bonjours bjr bsr cdt mercis sil quil cest dun dune lai nai";

/// "Madame", and other words that a name follows.
pub(super) const TITLE: &str = "monsieur madame mademoiselle messieurs mesdames mme mmes mlle mlles mr mrs dr docteur docteure pr professeur professeure maitre \
    me veuve sieur dame feu soeur abbe";

/// Titles that are never followed by anything but a name or a function.
pub(super) const ABBREVIATED: &str = "mme mmes mlle mlles mr mrs";

/// Of a woman, and of a man.
pub(super) const FEMALE: &str = "madame mademoiselle mesdames mme mmes mlle mlles mrs docteure professeure soeur";
pub(super) const MALE: &str = "monsieur messieurs m mr sieur abbe";

/// Persons by what they do or are to the writer.
pub(super) const ROLE: &str = "agent agente conseiller conseillere collegue directeur directrice chef cheffe responsable gestionnaire assistant assistante \
    secretaire inspecteur inspectrice controleur controleuse instructeur instructrice referent referente interlocuteur interlocutrice employe employee \
    salarie salariee fonctionnaire prefet prefete maire adjoint adjointe depute deputee senateur senatrice ministre juge greffier greffiere procureur procureure \
    avocat avocate notaire huissier medecin infirmier infirmiere psychologue educateur educatrice enseignant enseignante proviseur proviseure principal principale \
    mari epoux epouse femme conjoint conjointe compagnon compagne concubin concubine fils fille frere soeur pere mere papa maman oncle tante cousin cousine neveu niece \
    enfant enfants bebe ami amie voisin voisine locataire proprietaire bailleur gardien gardienne patron patronne employeur president presidente tresorier \
    usager usagere allocataire beneficiaire demandeur demandeuse assure assuree patient patiente contribuable administre administree requerant requerante plaignant \
    plaignante candidat candidate eleve etudiant etudiante stagiaire apprenti apprentie tuteur tutrice curateur curatrice capitaine commandant colonel general lieutenant \
    brigadier gendarme policier policiere famille epoux consorts veuve gerant gerante technicien technicienne operateur operatrice conciergerie belle-mere beau-pere \
    belle-soeur beau-frere beau-fils belle-fille grand-mere grand-pere petit-fils petite-fille ex-mari ex-femme mandataire signataire";

/// Before a name, said by the writer.
pub(super) const CALLED: &str = "m'appelle s'appelle t'appelle appelle nomme nommee nommes nommees prenomme prenommee denomme denommee surnomme soussigne soussignee \
    m'appel mapel mappel mapelle mapell mappelle sappelle prenomment";

/// Fields of forms: a name follows the colon.
pub(super) const FIELD: &str = "nom prenom prenoms noms identite demandeur demandeuse usager beneficiaire allocataire assure assuree patient patiente signataire \
    naissance usage famille titulaire contact interlocuteur interlocutrice conjoint conjointe declarant declarante destinataire expediteur emetteur referent \
    referente agent auteur participants participant presents present absents absent pere mere enfant conseiller conseillere signature redacteur proprietaire locataire \
    employeur salarie salariee eleve candidat candidate objet-de de from to cc";

/// Before the name of the one who is written to.
pub(super) const GREETING: &str =
    "bonjour bonsoir salut slt hey kikou cc coucou hello cher chere chers cheres bjr merci bonjours remerciements";

/// Before the name of the one who writes.
pub(super) const CLOSING: &str = "cordialement salutations distingues distinguees respectueusement sincerement cdt cdlt amicalement bien-a-vous devoue devouee sentiments \
    journee soiree remerciements bises bisous affectueusement avance reception signe signee signature merci attente devouement bien-cordialement";

/// What stands inside a name.
pub(super) const PARTICLE: &str = "de du des d la le les l el al ben bin bint ibn abd abou abu ait ould van von der den ter di da dos do das del della della dalla lo li y e o n m mac mc \
    saint sainte st ste zu zur af";

/// After a subject.
pub(super) const VERB: &str = "a est m'a m'avait l'a n'a n'est s'est nous vous va avait etait etaient ont sont sera doit peut veut dit demande souhaite habite travaille ecrit appelle \
    attend vient vit explique indique precise confirme refuse accepte repond rencontre conteste signale declare sollicite reside demeure beneficie percoit presente ouvre remplace rejoint gere valide suit conduit dirige rappellera \
    transmettra viendra pourra devra fera sera aura dira donnera passera prendra travaillait habitait voulait devait pouvait venait disait pense croit veux veulent seront \
    anime intervient participe accompagne repondra pleure souffre touche paie trouve conteste confirme traite reste semble part prend met sait connait parle aide aime cherche recoit recommande reclame \
    gagne perd quitte retourne repart telephone rappelle affirme nie plaide soutient assure estime abstient deteste manque tient aussi \
    me m lui ne n s se l y aurait avoue affirme estime pense reclame remercie rappelle transmet adresse envoie depose et qui a-t-il a-t-elle est-il est-elle";

/// After verbs and nouns of speech, "à" has a person behind it.
pub(super) const SPOKEN: &str = "ecrit ecrire demande demander parle parler repondu repondre dit dire adresse adresser confie confier transmis transmettre envoye envoyer donne donner remis \
    remettre appartient grace telephone telephoner explique expliquer accorde accorder verse verser merci notifie signale signaler rappele refuse attribue attribuer \
    pense penser plaindre";

/// Bodies whose name follows.
pub(super) const BODY: &str = "societe societes entreprise association asso cabinet clinique hopital college lycee ecole creche ehpad pharmacie garage restaurant boulangerie syndicat \
    fondation club etude universite groupe magasin foyer banque agence residence imprimerie hotel cafe bar brasserie transports etablissements ets maison collectif \
    federation cooperative mutuelle laboratoire start-up startup theatre gymnase stade mediatheque centre institut auto-ecole micro-creche";

/// Legal forms.
pub(super) const LEGAL: &str = "sarl sas sasu eurl sci snc scop scic gaec earl gie selarl selas scp scm ltd gmbh";

/// Kinds of streets.
pub(super) const STREET: &str = "rue avenue av ave bd bld blvd boulevard place pl allee allees chemin che ch impasse imp route rte quai cours square sq passage residence res lotissement lot cite \
    villa hameau sentier voie faubourg fbg esplanade promenade montee traverse mail parvis rond-point za zi zac zone domaine clos ruelle venelle cote corniche porte \
    lieu-dit lieudit galerie pont levee sente cour";

/// Those that are also common words: a number has to stand before them.
pub(super) const DOUBTFUL_STREET: &str = "place pl cours passage cite villa voie mail zone domaine clos cote porte galerie pont cour residence res lot lotissement montee ch che traverse promenade route \
    av ave imp sq hameau quai sentier square";

/// Proper nouns that name nobody: services of the State, brands, languages.
pub(super) const KNOWN: &str = "caf cpam msa urssaf carsat cnav cnaf cnam crous pole emploi travail france franceconnect ameli ants anef tchap rsa aah apl als alf ars aspa ass are cmu \
    css acs dalo mdph mdsap ccas cias pmi aemo ase prefecture dreets direccte dgfip dgccrf dgac sie sip spf cdg cnfpt rh drh dsi dpo cnil cada defenseur anssi dinum \
    dila legifrance service-public mesdroitssociaux doctolib parcoursup affelnet pronote ent cned crij mission locale cap afpa greta cfa cpf vae dif agefiph fiphfp edf \
    engie orange sfr bouygues free google gmail outlook yahoo hotmail microsoft windows excel word teams zoom whatsapp facebook instagram twitter linkedin youtube apple \
    iphone android samsung amazon leboncoin vinted airbnb uber blablacar carrefour leclerc auchan lidl ikea laposte chronopost colissimo sncf ratp tgv ter navigo \
    velib linky gaz impots impot etat republique parlement senat assemblee nationale gouvernement ministere conseil cour tribunal europe union ue schengen \
    firefox chrome edge safari opera linux ubuntu macos ios libreoffice writer calc docker github gitlab python java javascript rust world wikipedia \
    lituanie lettonie estonie slovenie slovaquie macedoine kosovo palestine taiwan tchequie union oniam sacem anah bic iban rib siret siren nir cni vitale cesu tva csg crds cdi cdd smic insee ine cerfa pdf docx csv xml html url wifi usb sim pin otp 2fa tel fax \
    janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre lundi mardi mercredi jeudi vendredi samedi dimanche \
    paques pentecote ascension ramadan aid covid internet web intranet web html francais francaise anglais arabe espagnol portugais \
    maire madame monsieur cedex bp cs sas sarl oqtf ofii ofpra cnda cada spada huda ceseda vls-ts dublin apostille afrique asie amerique maghreb loire-energie \
    cordialement objet ref page annexe article alinea code loi decret arrete bureau direction service pole mairie departement region commune ville metropole \
    communaute agglomeration intercommunalite credit agricole mutuel societe generale bnp paribas postale lcl macif maif matmut axa maaf pajemploi cesu afnor iso \
    kbis inpi rcs rna sirene data gouv assistant compagnon matrix ia ssi rgpd fiscal france-services marianne pacs bts cap bac dut but master licence \
    allocations aides logement visale action carte grise assurance maladie retraite chomage agirc arrco ircantec cnracl msp pass navigo culture sport education";

/// Services of the State whose names read like persons'.
pub(super) const SERVICES: [&str; 16] = [
    "france services",
    "france service",
    "france travail",
    "france titres",
    "france connect",
    "france identite",
    "france renov",
    "france competences",
    "france num",
    "france visas",
    "france victimes",
    "france alzheimer",
    "sante publique france",
    "services publics",
    "service public",
    "action logement",
];

/// What addresses of the Web end with.
pub(super) const ENDINGS: [&str; 12] =
    ["fr", "com", "org", "net", "eu", "gouv", "info", "bzh", "paris", "io", "be", "ch"];

/// Common words before a place.
pub(super) const AT: &str = "habite habitons habitez habitent habitait habitais habitant reside residons resident residait residant demeurant domicilie domiciliee domicilies vis vit vivant ne nee nes installe installee arrive arrivee demenage demenager emmenage \
    mute mutee loge logee logement mairie maire ville commune prefecture sous-prefecture gare agence departement canton arrondissement village hameau metropole \
    agglomeration quartier tribunal caf cpam urssaf msa direction maison centre hopital chu antenne communaute rectorat prefet academie region bourg trajet aeroport secteur affecte affectee situe situee sis sise guichet services service accueil fait originaire hospitalise hospitalisee depart arrivee scolarise scolarisee \
    inscrit inscrite travaille natif native exerce sejourne heberge hebergee";

/// Those of them after which nothing but a place comes.
pub(super) const SURELY: &str = "habite habitons habitez habitent habitait habitais habitant reside residons resident demeurant domicilie domiciliee domicilies ne nee nes mairie maire ville \
    commune prefecture sous-prefecture village hameau affecte affectee emmenage demenage originaire";

/// E-mail local parts that name nobody.
pub(super) const GENERIC: &str = "contact info infos accueil mairie secretariat support service services noreply no-reply direction courrier admin webmaster rh drh compta comptabilite \
    commercial reception bureau contacts reply postmaster communication urbanisme etat civil presse guichet formation recrutement asso association perso pro mail gmail";

/// Small words of other languages that French has not.
pub(super) const FOREIGN: &str = "the of and to is you for with this that are have not please my your we it in at be from was will can would der die das und ist nicht ich sie mit fur \
    ein eine zu auf los las para con por una como pero il che per sono gli nao com uma os";

/// Words of services that the list of common words has not.
pub(super) const MORE: &str = "courriel courriels allocataire allocataires teleservice teleservices telepaiement teleprocedure cybersecurite numerique dematerialise dematerialisee \
    dematerialisation usager usagers demarche demarches rdv email emails e-mail e-mails mail mails sms internet wifi covid smartphone tuto prefectoral prefectorale \
    interimaire autoentrepreneur autoentrepreneurs microentreprise covoiturage teletravail secu prefa appart proprio ordi alloc allocs interim assoc perm admin prelevement \
    jattend jatend jai javais jetais cetait cest ses tres trés pck pcq tt bcp qq qqun pr ds mtn tjs vs ns svp chatbot captcha login mdp appli applis";

/// What belongs to somebody, or is somebody's kin.
pub(super) const OWNED: &str = "dossier dossiers fiche situation identite compte nom part absence presence domicile fils fille filles epouse epoux mari femme mere pere \
    frere soeur oncle tante neveu niece cousin cousine enfants enfant famille avocat avocate veuve succession appel mail courrier bureau equipe nouvelles temoignage \
    plainte conjoint conjointe compagnon compagne remplacement embauche depart arrivee demande demandes courriel";

/// What begins the name of a company, in lower case too.
pub(super) const TRADE: &str = "transports ateliers atelier menuiserie plomberie maconnerie garage boulangerie boucherie pharmacie etablissements ets groupe cabinet entreprise \
    electricite peinture couverture charpente imprimerie jardins domaine editions laboratoires taxi taxis ambulances autocars";

/// Units: the number before them is none of somebody's.
pub(super) const UNIT: &str = "euros euro eur habitants km m2 kg ko mo go ans jours mois heures h % personnes dossiers fois kwh m3 octets francs usd dollars";

/// The months, in order, then their abbreviations.
pub(super) const MONTHS: &str = "janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre janv fevr fev avr juil sept oct nov dec";
