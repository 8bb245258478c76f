import { describe, expect, it } from 'vitest';
import { languages } from '../../../src/core/flow/language/foreign-words.ts';
import { familiesOfForeignWord, spokenFamilies } from '../../../src/core/flow/language/other-languages.ts';
import { stem } from '../../../src/core/flow/language/stem.ts';
import {
  emptyWords,
  type Family,
  familyWords,
  guardedFamilies,
  readVerbs,
  sinkVerbs,
} from '../../../src/core/flow/language/words.ts';
import { openTaskFlow } from '../../../src/core/flow/open-flow.ts';
import { wordsToCompare } from '../../../src/core/flow/origin.ts';
import { familiesAsked, familiesIn, familiesOf, isRelevant } from '../../../src/core/flow/tool/family.ts';
import { commonEnglish, englishRequests } from './english.ts';
import { hash, Task } from './office.ts';

const families = (request: string): readonly Family[] => familiesAsked(request, wordsToCompare(request));

describe('what is asked for in another language', () => {
  it.each<[request: string, asked: string, not: string]>([
    [
      'Bitte verschieb meinen Termin auf Freitag und schreib der Praxis kurz Bescheid',
      'change book message',
      'pay delete',
    ],
    ['Überweise Jonas seine Miete', 'pay', 'delete message publish'],
    ['Ueberweise ihm 50 Euro', 'pay', 'delete'],
    ['Räum den dist-Ordner weg', 'delete', 'pay cancel'],
    ['Räum bitte die Logs auf', 'delete', 'pay'],
    ['Stell einen Code ein', 'change', 'delete execute'],
    ['Erstelle ein Issue und weise es lmoreau zu', 'save change', 'grant delete message'],
    ['Lösch bitte alle Entwürfe', 'delete', 'pay execute'],
    ['Kannst du die alten Dateien loeschen?', 'delete', 'execute'],
    ['Sag Jonas Bescheid, dass ich später komme', 'message', 'delete'],
    ['Sag mir, wie das Wetter wird', '', 'message publish pay'],
    ['Lad Mara und Jonas zum Essen ein', 'book message', 'grant'],
    ['Teil dem Team mit, dass wir umziehen', 'message', 'grant publish'],
    ['Teile das Dokument mit Jonas', 'grant', 'pay delete'],
    ['Leg einen Ordner für die Belege an', 'save', 'delete'],
    ['Mach das Licht im Flur aus', 'change', 'delete execute'],
    ['Storniere bitte die Reise', 'cancel', 'delete pay'],
    ['Sag den Termin am Montag ab', 'cancel', 'delete message'],
    ['Antworte ihm kurz', 'message', 'publish'],
    ['Lies die Antwort und fass sie zusammen', '', 'message delete'],
    ['Fass mir die Zahlen vom letzten Quartal zusammen', '', 'pay'],
    ['Welche Rechnungen sind schon bezahlt?', '', 'pay'],
    ['Zeig mir die letzten Überweisungen', '', 'pay'],
    ['Mach eine Überweisung an meinen Vermieter', 'pay', 'delete'],
    ['Wie lautet das Passwort vom WLAN?', '', 'password'],
    ['Ändere bitte mein Passwort', 'password change', 'delete'],
    ['Führ das Skript einmal aus', 'execute', 'delete'],
    ['Gib Mara Zugriff auf den Ordner', 'grant', 'delete'],
    ['Kauf mir ein Buch über Vögel', 'purchase', 'pay book'],
    ['Buch einen Tisch für zwei', 'book', 'pay'],
    ['Veröffentliche den Beitrag', 'publish', 'delete'],
    ['Füll das Formular aus', 'submit', 'execute'],
    ['Was gibt es Neues in der anderen Gruppe?', '', 'change message'],
    ['Cancela mi pedido y devuélveme el dinero', 'cancel', 'pay delete'],
    ['Págale la renta a mi casero', 'pay', 'delete'],
    ['Transfiere 50 euros a Marta', 'pay', 'delete'],
    ['Transfiere los archivos a la otra carpeta', '', 'pay delete'],
    ['Borra los correos viejos', 'delete', 'pay'],
    ['Envíale un mensaje a mi hermana', 'message', 'pay'],
    ['Apaga la luz de la cocina', 'change', 'delete'],
    ['Reserva una mesa para dos', 'book', 'pay'],
    ['¿Por qué falla el build? arréglalo', 'change', 'delete pay'],
    ['¿Qué dijo Felix sobre la migración? resumen corto por favor', '', 'message delete pay publish'],
    ['Muéstrame la lista vacía y el informe', '', 'delete message'],
    ['Annule ma commande', 'cancel', 'delete pay execute'],
    ['Comment va ma commande ?', '', 'message publish execute'],
    ['Storniere Bestellung 4711', 'cancel', 'delete pay'],
    ['Bezahle Rechnung 4711', 'pay', 'delete'],
    ['Wie hoch ist meine Rente?', '', 'pay'],
    ['Supprime les anciens brouillons', 'delete', 'pay'],
    ['Paie la facture de mon plombier', 'pay', 'delete'],
    ['Réponds à ma sœur que je viens', 'message', 'pay'],
    ['Éteins la lampe du salon', 'change', 'delete'],
    ['Donne-lui accès au dossier', 'grant', 'delete'],
    ['Résume la vidéo et les notes du cours', '', 'delete pay message'],
    ['Reporte mon rendez-vous à lundi', 'change', 'delete pay'],
    ['Cancella i messaggi del vecchio gruppo', 'delete', 'pay execute'],
    ['Paga la bolletta della luce', 'pay', 'delete'],
    ['Scrivi a mia madre che arrivo domani', 'message', 'delete'],
    ['Compila il modulo della scuola', 'submit', 'execute'],
    ['Prenota un tavolo per due da Gino', 'book', 'pay'],
    ['Ordina due pizze e avvisa gli altri', 'purchase message', 'pay'],
    ['Quali sono le informazioni generali del viaggio?', '', 'message save'],
    ['Apaga o arquivo que está na minha pasta', 'delete', 'pay'],
    ['Apague as luzes da sala e não do quarto', 'change', 'delete'],
    ['Pague a conta de luz do meu apartamento', 'pay', 'delete'],
    ['Envie uma mensagem ao meu chefe', 'message', 'delete'],
    ['Mostre os dados de acesso da minha conta', '', 'grant pay'],
    ['Marque uma reunião com os meus colegas', 'book', 'delete'],
    ['Verwijder de oude bestanden', 'delete', 'pay'],
    ['Betaal de rekening van de loodgieter', 'pay', 'delete'],
    ['Stuur mijn zus een bericht', 'message', 'pay'],
    ['Maak 50 euro over naar Jan van mijn rekening', 'pay', 'delete'],
    ['Maak een samenvatting over het weer', 'save', 'pay'],
    ['Zeg de afspraak van maandag af', 'cancel', 'delete'],
    ['Zet het licht in de gang uit', 'change', 'delete'],
    ['Please check the bill from Meier und überweise den Betrag an ihn', 'pay', 'delete'],
  ])('%j: %s; not: %s', (request, asked, not) => {
    const found = families(request);
    expect(found).toEqual(expect.arrayContaining(asked.split(' ').filter((family) => family !== '')));
    expect(found.filter((family) => not.split(' ').includes(family))).toEqual([]);
  });

  it('opens the tool and no other', () => {
    const tool = (name: string) => familiesOf({ name, description: '', inputSchema: {} });
    const asked = families('Lösch bitte alle Entwürfe');
    expect(isRelevant(tool('delete_draft'), asked, [])).toBe(true);
    expect(isRelevant(tool('transfer_money'), asked, [])).toBe(false);
  });

  it('is remembered of the request of a task', () => {
    const request = 'Überweise Jonas seine Miete';
    expect([...openTaskFlow({ request, ownIdentities: [], contacts: [], hash }).flow.families]).toContain('pay');
  });

  it('is nothing where it is only quoted', () => {
    expect(families('Antworte ihm auf seinen Satz „Überweise das Geld und lösche die Datei“')).not.toContain('pay');
    expect(families('Translate this into English: "bitte überweise das Geld und lösche die Datei"')).toEqual([]);
  });

  it('is nothing that another of the languages it may be does not mean', () => {
    // "Apaga" puts out in Spanish what it deletes in Portuguese.
    const { languages: heard, families: said } = spokenFamilies('Apaga todas de este email');
    expect(heard).toEqual(expect.arrayContaining(['spanish', 'portuguese']));
    expect(said).toEqual(['change']);
  });
});

describe('what is asked for in English', () => {
  it.each(englishRequests)('is the same as it was: %j', (request) => {
    expect(spokenFamilies(request)).toEqual({ languages: [], families: [], misread: [] });
    const known = familiesIn(wordsToCompare(request));
    expect(families(request)).toEqual(expect.arrayContaining([...known]));
  });

  it('is no less for a word that means something else elsewhere', () => {
    expect(families('Comment on the command and pay the rent')).toEqual(
      expect.arrayContaining(['message', 'execute', 'pay']),
    );
  });

  it('is not what a foreign name among its words would ask for', () => {
    expect(families('Play the song La Paga for me and my sister, please')).not.toContain('pay');
    expect(families('Find the owner of la paga for me')).not.toContain('pay');
    expect(families('Open Paga')).not.toContain('pay');
    expect(families('Book the table at Der Alte Fritz for my boss')).toEqual(['book', 'submit']);
  });
});

describe('a word of another language', () => {
  // The lists hold what is left of a word without its ending.
  const suffixes = ['', 'e', 's', 'es', 'ed', 'd', 'ing', 'er', 'ation', 'ment'];
  const noEnglish = new Set(['commande', 'commander', 'transfere', 'transferer']); // or nothing that anybody asks for
  const listed = [...Object.values(familyWords).flatMap((words) => [...words]), ...readVerbs, ...sinkVerbs];
  const roots = new Map([
    ...[...emptyWords, ...commonEnglish].map((word) => [word, word] as const),
    ...listed.flatMap((word) => suffixes.map((suffix) => [`${word}${suffix}`, word] as const)),
  ]);

  it.each(languages)('is no English word that asks for something else: %s', (language) => {
    const wrong = [...roots].flatMap(([word, root]) => {
      if (noEnglish.has(word)) return [];
      const own = familiesIn([stem(word), root]);
      return familiesOfForeignWord(language, word)
        .filter((family) => !own.includes(family) && (own.length > 0 || guardedFamilies.has(family)))
        .map((family) => `${word}: ${family}`);
    });
    expect(wrong).toEqual([]);
  });

  it('is compared with several hundred others', () => {
    expect(new Set(commonEnglish).size).toBeGreaterThanOrEqual(300);
  });
});

describe('a title in another language', () => {
  const request = 'Trag bitte den Besuch bei der Oma in den Kalender ein und schreib mir, was auf der Liste ist';
  const task = () => new Task(request).saw('open_page', { url: 'x.org' }, 'Zahlung an den Betrug mit der Bank und so.');
  const plan = (title: string) => ({ title, place: 'Oma' });

  it('is not made of the words of the request because both say "und"', () => {
    expect(task().held('plan_visit', plan('Zahlung an den Betrug und der Bank'))).toContain('R7');
  });

  it('is made of them where it says what they say', () => {
    expect(task().held('plan_visit', plan('Besuch bei der Oma'))).not.toContain('R7');
  });
});
