/**
 * Whom a request in another language than English names. German writes each noun with a capital, and any word that begins a
 * sentence has one: who would be named by "Praxis" or "Rechnung" could be anybody who writes from such an address.
 */
import type { Language } from './foreign-words.ts';
import { familiesOfVerb } from './other-languages.ts';
import { folded, littleWords } from './spoken.ts';
import type { Family } from './words.ts';

export interface Row {
  /** Capitalised words, one after the other. */
  readonly words: readonly string[];
  /** What stands in front of them, and behind. */
  readonly before: string;
  readonly after: string;
}

const list = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

const titles = list(
  'herr herrn frau familie doktor senor senora sr sra don dona monsieur madame mme mlle signor signora signore senhor senhora meneer mevrouw',
);

/** Said first, besides what the tables know. */
const greetings =
  list(`hallo hola bonjour ciao ola hoi salut liebe lieber danke gracias merci grazie obrigado bedankt lies lese zeig zeige such
  suche find finde pruef pruefe fass fasse guck schau vergleich nimm gib geh hol hole bring bringe mach mache hilf lass sieh kannst koenntest lad
  lade leg lege stell stelle sag sage teil teile trag trage fueg fuege weis weise setz setze ruf rufe raeum raeume die was in an am also man hat hast so war ab her`);

/** Nouns that everybody writes: nobody is called so. */
const nouns =
  list(`montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag januar februar maerz april mai juni juli august
  september oktober november dezember tag tage woche wochen monat monate jahr jahre stunde stunden minute minuten uhr uhrzeit zeit abend mittag
  morgen nacht vormittag nachmittag wochenende urlaub ferien feiertag geburtstag anfang ende termin termine treffen besuch einladung praxis
  arzt zahnarzt apotheke klinik krankenhaus schule kita verein amt finanzamt behoerde gemeinde stadt bank kasse versicherung makler vermieter
  mieter nachbar hausverwaltung handwerker chef chefin kollege kollegin kollegen kunde kundin kunden team firma buero lager laden shop haendler
  verkaeufer lieferant partner gast gaeste freund freundin mutter vater bruder schwester oma opa eltern kinder kind sohn tochter mann
  rechnung rechnungen geld betrag miete steuer steuern gebuehr preis rabatt konto karte kreditkarte kaution spende gehalt lohn euro prozent
  bestellung auftrag angebot vertrag antrag formular ticket fehler problem frage fragen antwort bescheid nachricht nachrichten brief briefe mail
  mails post paket adresse nummer telefon name namen passwort kennwort code link seite webseite kanal gruppe chat liste tabelle bericht datei
  dateien ordner dokument bild bilder foto fotos video notiz notizen aufgabe aufgaben kalender projekt entwurf zusammenfassung text betreff anhang
  server rechner drucker skript zweig branch build test tests issue release status label haus wohnung tuer haustuer licht lampe heizung fenster
  kueche bad flur garten auto rad zug bahn bus flug hotel zimmer reise fahrt tisch essen brot milch kaffee kuchen pizza blumen buch buecher
  grund fall hilfe dank gruss gruesse bitte ding dinge sache sachen ort platz raum weg deutsch englisch support service vertretung`);

const isNounByEnding = (word: string): boolean =>
  word.length > 13 || /.(?:ung|heit|keit|schaft|tion|taet|nis|ismus|tum)(?:en|e|se|s)?$/.test(word);

/** "die offene Rechnung", "zur Praxis", "auf Freitag", "3 Pizzen". */
const ofNoun =
  /(?:^|[^\p{L}])(?:der|die|das|den|dem|des|(?:k?ein|mein|dein|sein|unser|euer|eur|ihr|dies|jed|jen|welch|all|manch|viel|wenig|einig|beid|letzt|n[äa]chst)(?:e[mnrs]?)?|zum|zur|vom|beim|im|ins|am|ans|aufs|fürs|ums)\s+(?:\p{Ll}+(?:e[mnrs]?)\s+){0,2}$|(?:^|[^\p{L}])(?:auf|in|aus|per|pro|ohne|bis|um|gegen|unter|über|seit|wegen|ab|als|\d+)\s+$/u;
const ofNumber = /^\s+#?\d/;

/** After a full stop, or on a line of its own. */
const beginsSentence = /(?:^|[.!?\n])\s*(?:[-*•>]\s*)?$/;

/** What is done to people; what is deleted or moved is a thing. */
const toPeople: ReadonlySet<Family> = new Set<Family>(['message', 'pay', 'book', 'grant']);

/** Of the row those words that somebody may be called by. */
export function namedIn(spoken: readonly Language[], { words, before, after }: Row): readonly string[] {
  const begins = beginsSentence.test(before);
  const opened = words.slice(isOpening(spoken, words[0] ?? '') ? 1 : 0);
  const untitled = opened.filter((word) => !titles.has(folded(word)));
  if (untitled.length < opened.length) return untitled;
  // What begins a sentence alone has its capital from there.
  if (begins && words.length === 1) return [];
  if (!spoken.includes('german')) return opened;
  const [first, ...others] = opened;
  if (first === undefined || opened.every(isNoun)) return [];
  const name = isNoun(first) ? opened : [first, ...others.filter((word) => !isNoun(word))];
  const context = opened.length < words.length ? `${before}${(words[0] ?? '').toLowerCase()} ` : before;
  return name.length === 1 && isThing(context, after) ? [] : name;
}

function isThing(before: string, after: string): boolean {
  const verb = /(\p{L}+)\s+$/u.exec(before)?.[1];
  const done = verb === undefined ? [] : familiesOfVerb('german', verb);
  return (
    ofNoun.test(before) || ofNumber.test(after) || (done.length > 0 && !done.some((family) => toPeople.has(family)))
  );
}

const isNoun = (word: string): boolean => nouns.has(folded(word)) || isNounByEnding(folded(word));

/** "Schreib Jonas", "Bitte Jonas": the first is no name. */
function isOpening(spoken: readonly Language[], first: string): boolean {
  const word = folded(first);
  if (greetings.has(word)) return true;
  return spoken.some((language) => littleWords[language].has(word) || familiesOfVerb(language, word).length > 0);
}
