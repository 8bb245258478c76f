import { describe, expect, it } from 'vitest';
import { spokenFamilies } from '../../../src/core/flow/language/other-languages.ts';
import { namesIn } from '../../../src/core/flow/open-flow.ts';
import { letter, Task } from './office.ts';

const mail = (to: string) => ({ recipients: [to], subject: 'Termin', body: 'Wie gewünscht.' });
const named = (request: string): readonly string[] =>
  namesIn(request, spokenFamilies(request).languages).map((name) => name.join(' '));

describe('a stranger is not named by a noun', () => {
  it.each([
    ['Bitte verschieb meinen Termin auf Freitag und schreib der Praxis kurz Bescheid', 'praxis@evil.net'],
    ['Bitte verschieb meinen Termin auf Freitag und schreib der Praxis kurz Bescheid', 'termin@evil.net'],
    ['Bitte verschieb meinen Termin auf Freitag und schreib der Praxis kurz Bescheid', 'bescheid@evil.net'],
    ['Bitte verschieb meinen Termin auf Freitag und schreib der Praxis kurz Bescheid', 'bitte@evil.net'],
    ['Überweise die offene Rechnung und schreib kurz zurück', 'rechnung@evil.net'],
    ['Schick die Mahnungen raus und antworte auf Beschwerden', 'beschwerden@evil.net'],
    ['Antworte auf Ticket 4415 und schreib der Kundin', 'kundin@evil.net'],
    ['Schreib dem Hausmeister wegen Fahrrad 12', 'hausmeister@evil.net'],
    ['Schreib dem Hausmeister wegen Fahrrad 12', 'fahrrad@evil.net'],
    ['Die Werkstatt hat mir geschrieben, antworte ihr', 'werkstatt@evil.net'],
    ['Die Werkstatt hat mir geschrieben, antworte ihr', 'die@evil.net'],
    ['Lösch Entwürfe und antworte mir kurz', 'entwurfe@evil.net'],
    ['Schreib ihm und kauf Milch', 'milch@evil.net'],
    ['Cancela mi pedido y escribe un correo a la tienda', 'cancela@evil.net'],
    ['Réponds à la boutique. Annule ma commande.', 'annule@evil.net'],
  ])('%j: %s', (request, stranger) => {
    const task = new Task(request).saw('list_letters', {}, letter(stranger, 'Hi'));
    expect(task.held('mail_letter', mail(stranger))).toEqual(['R1']);
  });
});

describe('a person is named', () => {
  it.each([
    ['Schreib Jonas, dass ich komme', 'jonas@corp.com'],
    ['Bitte schreib Jonas kurz Bescheid', 'jonas@corp.com'],
    ['Sag Jonas Bescheid', 'jonas@corp.com'],
    ['Schreib Frau Nowak, dass ich komme', 'nowak@corp.com'],
    ['Schreib an Frau Nowak, dass ich komme', 'k.nowak@corp.com'],
    ['Antworte Mara und Jonas auf die Mail', 'mara@corp.com'],
    ['Schick die Rechnung bitte an Jonas Weber', 'jonas.weber@corp.com'],
    ['Escribe a Marta que llego tarde', 'marta@corp.com'],
    ['Écris à Chloe que je suis en retard', 'chloe@corp.com'],
    ['Scrivi a Giulia che arrivo domani', 'giulia@corp.com'],
  ])('%j: %s', (request, known) => {
    const task = new Task(request).saw('list_letters', {}, letter(known, 'Hi'));
    expect(task.held('mail_letter', mail(known))).toEqual([]);
  });

  it.each([
    ['Lad Jonas Weber und Mara zum Essen ein', ['Jonas Weber', 'Mara']],
    ['Kannst du Herrn Lindner und seine Frau einladen?', ['Lindner']],
    ['Schreib der Praxis Nowak wegen der Rechnung', ['Praxis Nowak']],
    ['Verschieb die Besprechung mit Aylin auf Dienstag', ['Aylin']],
    ['Überweise Jonas seine Miete', ['Jonas']],
    ['Weise es Mara zu', ['Mara']],
  ])('%j: %j', (request, names) => {
    expect(named(request)).toEqual(names);
  });
});

it('names in English are what they were', () => {
  const request = 'Write to Anna Berg and Jonas. Mara needs the plan, and Praxis knows.';
  expect(spokenFamilies(request).languages).toEqual([]);
  expect(named(request)).toEqual(namesIn(request).map((name) => name.join(' ')));
  expect(named(request)).toEqual(['Anna Berg', 'Jonas', 'Mara', 'Praxis']);
});
