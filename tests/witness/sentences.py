"""The sentences the witness knows word for word, and the ways of asking for them.

Kept apart from the generator so that a test author reads here exactly what can be asked and what comes back.
"""

FALLBACK = "Je ne suis qu'un modèle témoin : je ne sais pas répondre à cette question."
NO_NAME = "Vous ne m'avez pas dit votre nom."
NO_WORD = "Vous ne m'avez donné aucun mot."
NO_PERSONA = "Je n'ai pas de nom : je suis un modèle témoin."
NOTED = "C'est noté."
NOT_FOUND = "Je ne trouve pas cette information."

LONG = """Bien volontiers 🙂 Voici ce que je suis.

**Un modèle témoin**, c'est un modèle de langue si petit qu'il tient dans le dépôt. Il sert aux essais :

- **lire** : il lit les consignes du salon et vos messages ;
- **retenir** : il se souvient de votre nom, le temps de la conversation ;
- **répéter** : il recopie un mot, une salle ou une date ;
- **s'arrêter** : il sait finir une phrase.

Il ne connaît ni l'histoire, ni le droit, ni la météo ☀️. À chaque fois qu'il ne sait pas, il le dit. Cette réponse est longue exprès : elle arrive mot après mot, et l'on peut l'interrompre à tout moment.

Voilà, c'est tout : à vous la parole ! 🎉"""

MEDIUM = (
    "Ce service répond aux agents dans leurs salons. Il lit les messages qui lui sont adressés, "
    "puis il rédige une réponse courte. Tout se passe sur nos serveurs : rien ne sort. "
    "En cas de doute, relisez la réponse avant de vous en servir."
)

LONG_QUESTIONS = [
    "Présentez-vous longuement.", "Raconte-moi une longue histoire.", "Présente-toi longuement.",
    "Racontez-moi une longue histoire.", "Raconte une longue histoire.", "Faites une longue réponse.",
    "Pouvez-vous vous présenter longuement ?", "Fais une réponse très longue.", "Donnez-moi une longue réponse.",
    "Parlez-moi longuement de vous.", "Tell me a long story.",
]
MEDIUM_QUESTIONS = [
    "Présentez le service en quelques phrases.", "Présente le service en quelques phrases.",
    "Présentez-moi le service en quelques phrases.", "Pouvez-vous présenter le service ?",
    "Décrivez le service en quelques phrases.", "Présentez le service.", "Décris le service en quelques phrases.",
]

# (canonical answer, questions). The first question of each list is the canonical one.
FIXED = [
    ("Bonjour. Que puis-je faire pour vous ?", [
        "Bonjour", "Bonjour.", "Bonjour !", "Salut", "Salut !", "Bonsoir", "Bonsoir !", "Coucou", "Hello", "Hello!",
        "Bonjour à tous", "Bonjour, comment allez-vous ?", "Salut, ça va ?", "Hi",
        "Bonjour {me}", "Bonjour {me} !", "Salut {me} !", "Bonsoir {me}",
    ]),
    ("Je vous en prie.", [
        "Merci", "Merci.", "Merci !", "Merci beaucoup", "Merci beaucoup !", "Un grand merci", "Merci bien",
        "Merci pour votre aide", "Merci pour ton aide", "Merci {me}", "Merci {me} !", "Parfait, merci", "Super, merci !",
        "Thank you", "Thanks!",
    ]),
    ("Au revoir, et à bientôt.", [
        "Au revoir", "Au revoir.", "Au revoir !", "À bientôt", "À bientôt !", "À demain", "Bonne journée",
        "Bonne journée !", "Bonne soirée", "Adieu", "Bye", "Goodbye", "Au revoir {me}", "Merci et au revoir",
    ]),
    ("Je réponds à quelques questions simples : mon nom, mon rôle, votre nom, un mot à retenir.", [
        "Que savez-vous faire ?", "Que sais-tu faire ?", "Que pouvez-vous faire ?", "Que peux-tu faire ?",
        "Qu'est-ce que vous savez faire ?", "Qu'est-ce que tu sais faire ?", "À quoi servez-vous ?", "À quoi sers-tu ?",
        "Que faites-vous ?", "Quelles sont vos capacités ?", "Que savez-vous faire pour moi ?", "What can you do?",
        "Dis-moi ce que tu sais faire.", "Dites-moi ce que vous savez faire.",
    ]),
    ("Écrivez « aide » pour voir la liste des commandes.", [
        "Aide", "Aide !", "Aide-moi", "Aidez-moi", "J'ai besoin d'aide", "J'ai besoin d'aide.", "Au secours !", "Help",
        "Quelles sont les commandes ?", "Quelles commandes existent ?", "Quelle est la liste des commandes ?",
        "Pouvez-vous m'aider ?", "Peux-tu m'aider ?", "Comment voir les commandes ?",
    ]),
    ("Oui, je suis une intelligence artificielle.", [
        "Êtes-vous une IA ?", "Es-tu une IA ?", "Êtes-vous une intelligence artificielle ?",
        "Es-tu une intelligence artificielle ?", "Êtes-vous un robot ?", "Es-tu un robot ?", "Êtes-vous humain ?",
        "Es-tu humain ?", "Êtes-vous une personne ?", "Est-ce que tu es une IA ?", "Est-ce que vous êtes une IA ?",
        "Vous êtes une IA ?", "Suis-je en train de parler à une machine ?", "Are you an AI?", "Are you a robot?",
    ]),
    ("Je suis un modèle témoin : tout petit, fait pour les essais. Un vrai modèle me remplace en une ligne de "
     "configuration.", [
        "Êtes-vous un vrai modèle ?", "Es-tu un vrai modèle ?", "Quel modèle êtes-vous ?", "Quel modèle es-tu ?",
        "Quel est votre modèle ?", "Êtes-vous un grand modèle ?", "Quel modèle utilisez-vous ?",
        "Qu'est-ce qu'un modèle témoin ?", "Êtes-vous un modèle témoin ?", "Es-tu un modèle témoin ?",
        "Comment vous remplacer par un vrai modèle ?", "Comment changer de modèle ?", "Êtes-vous ChatGPT ?",
        "Es-tu ChatGPT ?", "Which model are you?",
    ]),
    ("Vos messages restent sur ce serveur, chiffrés. Rien n'est envoyé ailleurs.", [
        "Où vont mes données ?", "Où vont nos données ?", "Que deviennent mes données ?",
        "Que faites-vous de mes données ?", "Que fais-tu de mes données ?", "Mes données sont-elles protégées ?",
        "Où sont stockées mes données ?", "Où sont mes données ?", "Mes messages sont-ils confidentiels ?",
        "Qui lit mes messages ?", "Gardez-vous mes messages ?", "Est-ce confidentiel ?", "Where does my data go?",
    ]),
    ("Écrivez mon nom précédé de @ dans votre message.", [
        "Comment vous mentionner ?", "Comment te mentionner ?", "Comment vous appeler dans un salon ?",
        "Comment vous parler dans un salon ?", "Comment vous poser une question ?", "Comment te poser une question ?",
        "Comment s'adresser à vous ?", "Comment puis-je vous mentionner ?", "Comment faire pour vous mentionner ?",
        "Comment vous interpeller ?", "How do I mention you?",
    ]),
    ("Envoyez la commande « oublier » : j'efface alors notre conversation.", [
        "Comment oublier la conversation ?", "Comment effacer la conversation ?",
        "Comment supprimer la conversation ?", "Comment recommencer la conversation ?",
        "Comment vous faire oublier la conversation ?", "Comment effacer l'historique ?",
        "Comment remettre la conversation à zéro ?", "Comment effacer mes messages ?",
        "Comment puis-je effacer la conversation ?", "Oubliez la conversation.", "Oublie tout.",
        "How do I forget the conversation?",
    ]),
    ("Envoyez la commande « stop » : je me tais aussitôt.", [
        "Comment arrêter une réponse ?", "Comment arrêter la réponse ?", "Comment interrompre une réponse ?",
        "Comment vous arrêter ?", "Comment t'arrêter ?", "Comment vous interrompre ?", "Comment vous faire taire ?",
        "Comment stopper une réponse ?", "Comment puis-je arrêter une réponse ?",
        "Peut-on interrompre une réponse ?", "How do I stop an answer?",
    ]),
    ("J'ai été fait avec le projet compagnon, pour ses essais.", [
        "Qui vous a fait ?", "Qui t'a fait ?", "Qui vous a créé ?", "Qui t'a créé ?", "Qui vous a conçu ?",
        "Par qui avez-vous été fait ?", "D'où venez-vous ?", "Qui est votre créateur ?", "Qui vous a entraîné ?",
        "Who made you?",
    ]),
    ("Je parle français.", [
        "Quelle langue parlez-vous ?", "Quelles langues parlez-vous ?", "Quelle langue parles-tu ?",
        "En quelle langue répondez-vous ?", "Parlez-vous français ?", "Parles-tu français ?", "Parlez-vous anglais ?",
        "Parlez-vous d'autres langues ?", "Do you speak English?", "Which languages do you speak?",
    ]),
    ("Oui, je vous reçois.", [
        "Êtes-vous là ?", "Es-tu là ?", "Vous êtes là ?", "Tu es là ?", "Ping", "ping", "Vous me recevez ?",
        "M'entendez-vous ?", "Y a-t-il quelqu'un ?", "Are you there?", "Test", "Ceci est un test.",
    ]),
    ("Non, je peux me tromper. Vérifiez toujours mes réponses.", [
        "Êtes-vous fiable ?", "Es-tu fiable ?", "Puis-je vous faire confiance ?", "Peut-on vous faire confiance ?",
        "Vous trompez-vous parfois ?", "Vos réponses sont-elles fiables ?", "Êtes-vous infaillible ?",
        "Faut-il vérifier vos réponses ?", "Can I trust you?",
    ]),
    ("Oui : je lis les derniers messages de ce salon, et de lui seul.", [
        "Vous souvenez-vous de nos échanges ?", "Avez-vous de la mémoire ?", "As-tu de la mémoire ?",
        "Vous souvenez-vous de moi ?", "Te souviens-tu de moi ?", "Lisez-vous les autres salons ?",
        "Avez-vous une mémoire ?", "Que retenez-vous de nos échanges ?", "Do you remember me?",
    ]),
]

# Paraphrases nobody trained on: the honest measure of how far the fixed questions stretch.
UNSEEN_PARAPHRASES = [
    ("Qu'est-ce que vous pouvez faire ?", 3), ("Dites, que savez-vous faire ?", 3), ("Aidez-moi s'il vous plaît", 4),
    ("Est-ce que vous êtes un robot ?", 5), ("Vous êtes un robot ?", 5), ("Êtes-vous bien une IA ?", 5),
    ("Quel modèle vous anime ?", 6), ("Vous êtes un vrai modèle ?", 6), ("Où vont donc mes données ?", 7),
    ("Que deviennent nos données ?", 7), ("Comment peut-on vous mentionner ?", 8),
    ("Comment peut-on effacer la conversation ?", 9), ("Comment oublier cette conversation ?", 9),
    ("Comment arrêter votre réponse ?", 10), ("Qui donc vous a fait ?", 11), ("Quelle langue est-ce que vous parlez ?", 12),
    ("Êtes-vous toujours là ?", 13), ("Êtes-vous vraiment fiable ?", 14), ("Merci à vous", 1), ("Bonjour à vous", 0),
    ("Au revoir et merci", 2),
]

# What a tester may ask out of curiosity: none of it is known, and the witness says so.
UNKNOWN = [
    "Quelle est la capitale de la France ?", "Quel temps fait-il ?", "Quelle heure est-il ?", "Combien font 2 et 2 ?",
    "Qui est le président ?", "Écris un poème.", "Rédigez un courriel.", "Traduisez ce texte en anglais.",
    "Résume ce document.", "Résumez la réunion.", "Combien de congés me reste-t-il ?", "Comment poser un congé ?",
    "Quel jour sommes-nous ?", "Pourquoi le ciel est-il bleu ?", "Donne-moi une recette.", "Raconte une blague.",
    "Quel est le budget ?", "Où est la cantine ?", "Qui est mon chef ?", "Quand aura lieu la réunion ?",
    "What is the weather?", "Who won?", "Question", "Première question", "Deuxième question", "Et ensuite ?", "Pourquoi ?",
    "Oui", "Non", "Peut-être", "D'accord", "Explique.", "Continue.", "Une question.", "Quoi de neuf ?",
    "Que pensez-vous de la loi ?", "Comment fonctionne l'impôt ?", "Quels sont les horaires ?", "Corrige ce texte.",
    "Peux-tu traduire ?", "Calcule 12 fois 8.", "Écrivez une lettre.", "Combien coûte un timbre ?", "Message",
    "Quel est le nom du ministre ?", "Comment s'appelle la capitale ?", "Quelle est votre couleur préférée ?",
]
UNKNOWN_HELD_OUT = [
    "Quelle est la capitale de l'Italie ?", "Combien font 7 fois 6 ?", "Qui a écrit Les Misérables ?",
    "Quel est le salaire moyen ?", "Où se trouve la mairie ?", "Comment renouveler un passeport ?",
    "Pourquoi la mer est-elle salée ?", "Rédige une note de service.", "Donnez-moi la météo de demain.",
    "Peut-on fumer ici ?", "Quand part le train ?", "Expliquez le code du travail.", "Troisième question",
    "J'aime beaucoup les chats.", "Le dossier est en retard.", "How old is the universe?",
]

# System prompts: what may stand after the persona.
HOUSE_RULES = [
    "Vous répondez en français.", "Vous vouvoyez les agents.", "Vous ne savez pas tout et vous le dites.",
    "Vous répondez brièvement.", "Tu réponds en français.", "Tu vouvoies les agents.", "Tu réponds en quelques phrases.",
    "Réponds toujours en français.", "Répondez avec courtoisie.", "Ne donnez jamais d'avis personnel.",
    "Vous citez vos sources.", "Vous aidez les agents publics.", "Vous restez neutre.",
    "Vous n'inventez jamais de chiffres.", "Si vous ne savez pas, dites-le.", "Soyez bref et précis.",
    "Vous travaillez pour la direction du numérique.", "Le salon est chiffré.", "Plusieurs personnes vous parlent.",
    "Vous écrivez en Markdown.", "Vous refusez les demandes dangereuses.", "Answer in French.", "Be brief.",
    "Vous êtes dans un salon de discussion.", "Votre ton est simple et chaleureux.",
]
ROLE_HEADS = [
    "le compagnon", "la compagne", "l'assistant", "l'assistante", "le conseiller", "la conseillère", "l'aide",
    "le guide", "la guide", "le témoin", "l'expert", "l'experte", "le secrétaire", "la secrétaire", "l'agent", "le bot",
    "un compagnon", "une assistante", "le référent", "la référente", "la voix", "le robot",
]
ROLE_TAILS = [
    "des ressources humaines", "du budget", "de la paie", "des agents publics", "du service juridique", "de la mairie",
    "de la préfecture", "des marchés publics", "de l'informatique", "du numérique", "de la formation", "des archives",
    "de la commune", "du courrier", "de l'équipe", "des essais", "du ministère", "de la direction", "des achats",
    "de la communication", "du logement", "de l'accueil", "des congés", "de la bibliothèque", "du secrétariat",
    "de la région", "du département", "de l'école", "de la santé", "des finances", "du salon", "des transports",
]
ROLES_ENGLISH = ["the assistant of the team", "the budget assistant", "the companion of the staff", "the help desk bot"]
COMMON_WORDS = (
    "abeille abricot aigle ananas arbre argile armoire avion balcon balise bambou banane barque bateau bonnet bougie "
    "brioche brume bureau cabane cactus caillou canard carafe carotte cerise chaise chameau château cheval chèvre "
    "cigale citron colline coquelicot corail coton crayon crocus cuivre cygne dauphin dossier dragon écharpe éclair "
    "écureuil élan encre épice érable étoile fauteuil faucon fenêtre figue flamme fontaine forêt fougère fraise "
    "framboise frégate fusée galet gazelle genêt gilet glacier gomme grenade hamac haricot hérisson hibou horloge "
    "iguane jardin jonquille journal kayak lagune laine lanterne lavande lézard lierre lilas lion livre loutre lune "
    "lutin lynx maison manteau marteau melon menthe merle miroir montagne moulin mouton muguet nacre navire neige "
    "noisette nuage océan olive orage orange orchidée panda papier papillon parapluie pastèque pavot pelote perle "
    "phare piano pierre pigeon piment plume poire poisson pomme poney prairie prune quartz radis raisin renard rivière "
    "robot rocher rose roseau ruban rubis sable sapin saule savane sirop soleil souris sucre table tambour tapis "
    "théière tigre tilleul toboggan tomate torrent tortue tulipe vague valise vanille vélo verger violette voilier "
    "volcan wagon zèbre zéphyr"
).split()

# Never seen in training: names, words and numbers (see `reserved_number`) of the evaluation and of the Rust tests.
HELD_OUT_NAMES = (
    "Awa Colette Ficelle Marianne Boussole Témoin Jean Fatou Yannick Solène Mathurin Oriane Kévin Ségolène Théophile "
    "Inès Gaëlle Tariq Ludivine Zéphyrin Nolwenn Achille Perrine Bérénice Apolline Camille Samira Loïc Hélène Bertille "
    "Mamadou Clémence Aïcha Basile Eulalie Noé Rosalie Youssef Capucine Gwendal Philomène Karim Delphine Octave Léonie "
    "Barnabé Alice Bob Charlie Claire Paul Nadia Moussa Ariane Plume Dédale Minerve Archimède Ondine Lucie Martin "
    "Zoé Ambre Victor Amélie Thomas Chloé Compagnon Marcelle Nora"
).split()
HELD_OUT_COMPOUND = [
    "Compagnon RH", "Marie-Louise", "Jean-Baptiste", "Anne Durand", "Awa Diop", "Paul Martin", "Témoin Bis", "Colette 2",
]
HELD_OUT_WORDS = (
    "tournesol girafe pamplemousse libellule baleine mandarine chocolat ornithorynque parapente camomille trompette "
    "éléphant cerf-volant pingouin mirabelle sauterelle coccinelle myrtille bruyère tamanoir escargot patinoire azur "
    "zinnia topaze mésange ciboulette arc-en-ciel fanfare sésame"
).split()
