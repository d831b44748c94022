//! Names that other languages write otherwise: places, and the acronyms of institutions. Folded; the names of one line are one.

/// Places, from French and English, and German and Spanish where they differ.
const PLACES: &str = "\
france frankreich francia|allemagne germany deutschland alemania germania|angleterre england|royaume-uni united kingdom|espagne spain spanien espana|\
italie italy italien italia|portugal|belgique belgium belgien belgica belgio|suisse switzerland schweiz suiza svizzera|autriche austria osterreich|\
pays-bas netherlands niederlande holanda|luxembourg luxemburg luxemburgo|irlande ireland irland irlanda|ecosse scotland|galles wales|\
danemark denmark danemark dinamarca|suede sweden schweden suecia|norvege norway norwegen noruega|finlande finland finnland finlandia|\
islande iceland|pologne poland polen polonia|tcheque czech|tchequie czechia|slovaquie slovakia|hongrie hungary ungarn hungria|roumanie romania|\
bulgarie bulgaria|grece greece griechenland grecia|chypre cyprus|malte malta|croatie croatia|slovenie slovenia|serbie serbia|bosnie bosnia|\
albanie albania|macedoine macedonia|estonie estonia|lettonie latvia|lituanie lithuania|ukraine ucrania|russie russia russland rusia|\
bielorussie belarus|moldavie moldova|turquie turkey turkiye turkei turquia|georgie georgia|armenie armenia|azerbaidjan azerbaijan|\
maroc morocco marokko marruecos marocco|algerie algeria algerien argelia|tunisie tunisia tunesien tunez|libye libya|egypte egypt agypten egipto|\
senegal|mali|niger|nigeria|tchad chad|cameroun cameroon kamerun|gabon|congo|mauritanie mauritania|guinee guinea|comores comoros|\
madagascar madagaskar|ethiopie ethiopia|soudan sudan|somalie somalia|afrique africa afrika|tanzanie tanzania|ouganda uganda|zambie zambia|\
liban lebanon libanon libano|syrie syria syrien siria|israel|palestine|jordanie jordan jordanien jordania|irak iraq|iran|\
arabie arabia arabien|saoudite saudi|emirats emirates|yemen jemen|koweit kuwait|bahrein bahrain|\
chine china|japon japan|coree korea corea|inde india indien|indonesie indonesia|viet-nam vietnam|thailande thailand|cambodge cambodia|birmanie burma myanmar|\
mongolie mongolia|nepal|singapour singapore|malaisie malaysia|philippines|australie australia|nouvelle-zelande new zealand|\
etats-unis united states us usa|canada kanada|mexique mexico mexiko|bresil brazil brasilien brasil|argentine argentina argentinien|chili chile|\
perou peru|colombie colombia kolumbien|bolivie bolivia|equateur ecuador|haiti|jamaique jamaica|guyane guiana|antilles west indies|\
europe europa|asie asia|amerique america|oceanie oceania|mediterranee mediterranean|atlantique atlantic|pacifique pacific|manche channel|\
londres london|edimbourg edinburgh|bruxelles brussels brussel|anvers antwerp antwerpen|gand ghent gent|geneve geneva genf ginebra|\
bale basel|berne bern|vienne vienna wien viena|munich munchen|cologne koln colonia|francfort frankfurt|hambourg hamburg|berlin|aix-la-chapelle aachen|\
treves trier|mayence mainz|ratisbonne regensburg|la haye the hague|copenhague copenhagen|varsovie warsaw|cracovie krakow|prague praha|\
bucarest bucharest|athenes athens|lisbonne lisbon|barcelone barcelona|seville sevilla|rome roma rom|milan milano mailand|turin torino|venise venice|\
florence firenze|genes genoa genova|naples napoli|moscou moscow|saint-petersbourg saint petersburg|kiev kyiv|odessa odesa|\
le caire cairo|alger algiers|tunis|tanger tangier|beyrouth beirut|damas damascus|jerusalem|bagdad baghdad|teheran tehran|\
pekin beijing peking|shanghai|tokyo|seoul|hanoi|new york|mexico|la havane havana|strasbourg strassburg|lyon lyons|marseille marseilles|\
nice nizza niza|paris|corse corsica korsika|bretagne brittany|normandie normandy|bourgogne burgundy|savoie savoy|alsace elsass|lorraine|\
rhin rhine|tamise thames|nouvelle-caledonie caledonia|danube|alpes alps|pyrenees";

/// Acronyms of the same body, tax or document.
const ACRONYMS: &str = "\
onu un uno|otan nato|ue eu|usa us eu eeuu|tva vat iva mwst|pib gdp bip pil|oms who|oit ilo|omc wto|fmi imf|bce ecb ezb|cedh echr ecthr|rgpd gdpr dsgvo|\
ia ai ki|rh hr|pme sme smes kmu|ong ngo ngos|ocde oecd|cjue cjeu eugh|cee eec ewg|sida aids|vih hiv|adn dna|ru uk|cnuced unctad|hcr unhcr|aiea iaea|\
cpi icc|cij icj|oaci icao|omi imo|ompi wipo|fao|csnu unsc|osce ocse|oea oas|ua au|cicr icrc|pnud undp|pnue unep|pam wfp|unicef|unesco|bei eib|berd ebrd|\
pac cap gap|pesc cfsp|psdc csdp|snc|bd db|ti si it|vpn|pdf|tchap|co2|dg|sg|cv|faq foire|adresse url|rd r d|nir ssn|cni id|sarl llc ltd gmbh|sa plc ag|pv minutes|\
cdi cdd|etp fte|ressortissants tcn|ca revenue|ht excl|ttc incl|covid";

/// Whether a folded word names a place.
pub fn is_place(name: &str) -> bool {
    PLACES.split('|').any(|line| line.split(' ').any(|word| word == name))
}

/// Whether a folded name is another writing of one of these words, or of several of them in a row.
pub fn is_written_in(name: &str, text: &str) -> Option<bool> {
    written(PLACES, name, text)
}

/// As [`is_written_in`], of an acronym.
pub fn is_acronym_in(name: &str, text: &str) -> Option<bool> {
    written(ACRONYMS, name, text)
}

/// Whether one of the other writings of a name stands in a folded text whose words are parted by single spaces; nothing where none is known.
fn written(table: &str, name: &str, text: &str) -> Option<bool> {
    let mut known = None;
    for line in table.split('|') {
        let names: Vec<&str> = line.split(' ').collect();
        if line != name && !names.contains(&name) {
            continue;
        }
        let there = names.iter().any(|other| text.contains(&format!(" {} ", other.replace('-', " "))));
        known = Some(known.unwrap_or(false) || there);
    }
    known
}
