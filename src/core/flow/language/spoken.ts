/**
 * In which other language a request is written: by the little words that no English text has. One foreign name in an English
 * request is no vote, half a request in each language is one.
 */
import { type Language, languages } from './foreign-words.ts';

const list = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

/** Folded, none of them an English word, and none says what a text is about. */
export const littleWords: Readonly<Record<Language, ReadonlySet<string>>> = {
  german:
    list(`der das dem den ein eine einen einem einer eines und oder aber bitte mein meine meinen meinem meiner dein deine deinen ihm ihn
    ihr ihre ihren ihnen ich du wir sie es ist nicht auf mit von vom zum zur fuer bei nach aus zu wie wer wo wann welche welcher
    welches welchen noch schon mal auch nur wenn dann dass weil haben habe kannst koennen koenntest sind wird werden soll sollen seine seinen
    seiner alle allen kurz weg bescheid heute morgen gestern naechste naechsten naechster letzte letzten mir mich dir dich uns euch
    diese diesen dieser dieses kein keine keinen ueber unter zwischen moechte muss lass etwas`),
  spanish:
    list(`el la los las una unas unos y por para mi mis tu tus su sus del al que esta este estos estas ese eso es en lo le les se como
    cuando donde cual pero tambien muy hoy manana ayer hay nuestro nuestra puedes quiero necesito dime ponme ultimo ultima todos todas de
    un nos otro otra favor ella ellos`),
  french:
    list(`le la les un une des du et est je tu il elle nous vous mon ma mes ton ta tes sa ses ce cette ces que qui dans sur avec au aux en
    ne pas svp plait merci moi lui leur leurs peux peut aujourd hui demain hier dernier derniere tous toutes de votre notre cet`),
  italian:
    list(`il lo la gli le una uno un di che del dello della dei delle alla nel nella nella mi mio mia miei mie tuo tua sua suo questo questa
    non sono favore puoi grazie domani oggi ieri tutti tutte da dal dalla ai al e ho quello quella`),
  portuguese:
    list(`os uma um meu minha meus minhas seu sua dos das de da ao aos na nas nos que para por nao voce isso este esta esse favor obrigado
    obrigada hoje amanha ontem todos todas pode preciso o e dele dela`),
  dutch:
    list(`de het een en van mijn jouw je ik wij niet voor aan naar dat deze dit zijn alsjeblieft graag ook nog kun mij hem haar hun uit bij wat
    vandaag gisteren morgen laatste volgende onze`),
};

/** As telling: what is often spoken of. */
export const littleNouns: Readonly<Record<Language, ReadonlySet<string>>> = {
  german: list('rechnung bestellung nachricht datei dateien ordner aufgabe konto seite'),
  spanish: list('pedido factura mensaje archivo archivos carpeta cuenta correo'),
  french: list('commande facture fichier fichiers dossier compte courriel'),
  italian: list('ordine fattura messaggio cartella conto bolletta'),
  portuguese: list('pedido fatura mensagem arquivo arquivos pasta conta'),
  dutch: list('bestelling rekening bericht bestand bestanden map afspraak'),
};

/** Spelled like an English word that asks for something else. */
export const falseFriends: Readonly<Record<Language, readonly string[]>> = {
  german: ['rente', 'texte', 'rate', 'raten'],
  spanish: ['informe', 'informes', 'reporte', 'reportes', 'rente'],
  french: ['comment', 'commande', 'commandes', 'commander', 'rente', 'rentes', 'charge', 'charges'],
  italian: ['note', 'rate'],
  portuguese: ['informe', 'informes'],
  dutch: ['rente', 'map'],
};

const english =
  list(`the of and to my please you with that this for from it its your his their our what when which any not but if be have has
  they would should could then there these those into about`);

/** Small letters, without accents; a German umlaut is two letters. */
export function folded(word: string): string {
  if (/^[A-Za-z]*$/.test(word)) return word.toLowerCase();
  return word
    .normalize('NFC')
    .toLowerCase()
    .replaceAll(/[äöüßœæø]/g, (letter) => spelled[letter] ?? letter)
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '');
}

const spelled: Readonly<Record<string, string>> = { ä: 'ae', ö: 'oe', ü: 'ue', ß: 'ss', œ: 'oe', æ: 'ae', ø: 'o' };

/** What a table of a language knows of a request; sure: two words of it, each the other's witness. */
export interface Known {
  readonly verbs: number;
  readonly sure: boolean;
}

/** Those whose little words are in it, and of these the ones that explain most of it; none where it is English, or nobody can say. */
export function spokenIn(words: ReadonlySet<string>, known: (language: Language) => Known): readonly Language[] {
  const among = (some: ReadonlySet<string>): number => [...some].filter((word) => words.has(word)).length;
  const others = among(english);
  const votes = languages.flatMap((language) => {
    const little = among(littleWords[language]) + among(littleNouns[language]);
    const { verbs, sure } = known(language);
    const speaks = others > 0 ? little > 1 && 3 * little >= others : little > 0 || sure;
    return speaks ? [[language, little + verbs] as const] : [];
  });
  const most = Math.max(...votes.map(([, count]) => count));
  return votes.filter(([, count]) => count === most).map(([language]) => language);
}
