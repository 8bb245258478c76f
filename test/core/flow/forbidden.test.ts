import { describe, expect, it } from 'vitest';
import { withoutForbidden } from '../../../src/core/flow/language/forbidden.ts';
import { Task } from './office.ts';

const kept = (request: string): string => withoutForbidden(request).replaceAll(/\s+/g, ' ').trim();

describe('what a request forbids', () => {
  it.each([
    ['find the cheapest flight, dont book', 'find the cheapest flight,'],
    ["Clear /tmp but don't touch /srv/data.", 'Clear /tmp but .'],
    ['Do not send or forward anything and tell me the sum', 'and tell me the sum'],
    ['Look around. Please don’t delete it until I say so', 'Look around. Please until I say so'],
    ['Never pay in advance; write to them', '; write to them'],
    ["I don't want you to cancel it, move it", ', move it'],
    ['You must not buy it', ''],
    ['Plan it without booking or paying anything', 'Plan it anything'],
    ['Exchange it instead of returning it', 'Exchange it it'],
    ['Look only and change nothing', 'Look only and'],
    ['Do not touch /srv, /etc or /opt/x. Look around', '. Look around'],
    ["Don't mail Bob, Carol or Dave Miller, tell Eve", ', tell Eve'],
    ['Do not send it to Bob, Ann wants it', ', Ann wants it'],
    ["Don't call Bob, Mail Ann", ', Mail Ann'],
    ["- Read it\n- Don't mail Bob", '- Read it -'],
    ['**Do not** pay', '**'],
    ['Do not, under any circumstances, pay Bob', ''],
    ['Under no circumstances pay Bob', ''],
    ['You mustnt pay', ''],
    ["Don't mail anyone other than bob@x.org", 'other than bob@x.org'],
    ["Don't close it without mailing Ann", 'without mailing Ann'],
    ["Don't send anything without asking me", ''],
  ])('in %j is left out', (request, rest) => {
    expect(kept(request)).toBe(rest);
  });

  it.each([
    "Don't forget to send it",
    'Please don’t hesitate to call them',
    "Why don't you book a table?",
    "If they don't reply send a reminder",
    "We don't deliver there, cancel the order",
    'Play "Never Gonna Give You Up"',
    'Turn on do not disturb',
    "Don't let them cancel: pay the bill",
    'Never mind the old one, delete it',
    'Do not only book the flight but pay the hotel',
    "Don't pay more than $50 for the shoes",
  ])('%j forbids nothing of what it asks', (request) => {
    expect(kept(request)).toBe(request);
  });

  it('is as long as it was, so that every sentence stands where it stood', () => {
    const request = 'Look at it, do not touch it, and tell me.';
    expect(withoutForbidden(request)).toHaveLength(request.length);
  });

  it('is found in a line that says it without an end', () => {
    const request = `${'dont book '.repeat(6000)}${' '.repeat(5000)}`;
    expect(withoutForbidden(request)).toHaveLength(request.length);
  });
});

describe('a call that the request forbids', () => {
  const mail = (to: string) => ({ recipients: [to], subject: 'Plan', body: 'As asked.' });

  it('is held, though the request speaks of it', () => {
    expect(new Task('Read my letters, do not mail jo@corp.com').held('mail_letter', mail('jo@corp.com'))).toEqual(
      expect.arrayContaining(['R1', 'R6']),
    );
  });

  it('is held where it is told to nobody but the user', () => {
    expect(new Task('Just tell me what jo@corp.com wrote').held('mail_letter', mail('jo@corp.com'))).toContain('R6');
  });

  it('is made where another sentence asks for it', () => {
    const task = new Task('Mail jo@corp.com the plan. Do not mail it twice.');
    expect(task.held('mail_letter', mail('jo@corp.com'))).toEqual([]);
  });
});
