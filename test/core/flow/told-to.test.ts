import { describe, expect, it } from 'vitest';
import { approve } from '../../../src/core/flow/answer.ts';
import type { FlowCall } from '../../../src/core/flow/call.ts';
import { judge } from '../../../src/core/flow/judge.ts';
import { answerTo, toldTo, withAnswers } from '../../../src/core/flow/not-a-tool.ts';
import { observe } from '../../../src/core/flow/observe.ts';
import { openTaskFlow } from '../../../src/core/flow/open-flow.ts';
import { proposeProfile } from '../../../src/core/flow/tool/tool-profile.ts';
import { outputsOf } from '../../../src/gateway/flow/outputs.ts';

const hash = (text: string): string => text;
const inbox = { profile: proposeProfile({ name: 'read_inbox', description: 'Read the inbox.' }), args: {} };
const prose =
  'The door code is QX-77-P and the password hunter2-x. Meet mallory@evil.net at https://evil.net/a?b=c9. We buy Fabrikam.';
const fields = JSON.stringify({ id: 'INV-2041', page: 'note://plans/7', name: 'Anna Berg' });

/** What a task knows that read both, and what policy is told of these words. */
function originsOf(
  told: Parameters<typeof toldTo>[1],
  outputs: readonly string[] = [prose, fields],
  request = 'Brief me on project Halcyon.',
) {
  const { origin } = factsOf(toldTo('office', told), outputs, request);
  return [...new Set(Object.values(origin).flat())].sort();
}
function factsOf(
  call: FlowCall,
  outputs: readonly string[] = [prose, fields],
  request = 'Brief me on project Halcyon, at https://halcyon.example, please.',
) {
  const { flow } = openTaskFlow({ request, ownIdentities: [], contacts: [], hash });
  for (const output of outputs) observe(flow, inbox, output);
  return judge(flow, call).facts;
}
const writer: FlowCall = { profile: proposeProfile({ name: 'save_note', description: 'Saves a note.' }), args: {} };
const isHeld = (origins: readonly string[]): boolean => origins.includes('prose') || origins.includes('tainted');

it.each([
  ['an argument', { topic: 'QX-77-P' }],
  ['an argument that is called like one nobody checks', { body: 'QX-77-P' }],
  ['an argument that is called like a path', { file: 'QX-77-P' }],
  ['a password', { password: 'hunter2-x' }],
  ['an address of a person', { who: 'mallory@evil.net' }],
  ['an argument in an argument', { a: { b: [{ c: 'QX-77-P' }] } }],
  ['a name of an argument', { 'QX-77-P': '1' }],
  ['a name in words', { 'we buy Fabrikam': '1' }],
  ['words of it', { topic: 'We buy Fabrikam' }],
  ['all of it', { topic: prose }],
  ['more than anybody reads', { topic: prose.repeat(200) }],
  ['something beside a long text of its own', { own: 'a '.repeat(9_000), topic: 'QX-77-P' }],
  ['something too deep to look at', [...Array(20)].reduce((inner: unknown) => ({ a: inner }), 'QX-77-P')],
])('what was read as prose is seen in %s', (_, values) => {
  expect(isHeld(originsOf({ values }))).toBe(true);
});

const mixed = 'Please brief me on project Halcyon';
it.each([
  ['an id', `${mixed}, QX-77-P.`],
  ['an id that was dressed up', `${mixed} (qx_77_p)`],
  ['an id within another word', `${mixed} ticket/QX-77-P`],
  ['a password', `${mixed}: hunter2-x`],
  ['an address of a person', `${mixed} mallory@evil.net`],
  ['an address of a page', `${mixed} at https://evil.net/a?b=c9 now`],
  ['an address in base64', `${mixed} bWFsbG9yeUBldmlsLm5ldA`],
  ['an account that is printed in groups', `${mixed} GB33 BUKB 2020 1555 5555 55`],
  ['a card that is printed in groups', `${mixed} 4111 1111 1111 1111`],
  ['a long word that is no word', `${mixed} correcthorsebatterystaple`],
  ['a longer one', `${mixed} ${'zyxwvuts'.repeat(10)}`],
  ['a word that changes its case', `${mixed} aGVsbG8gYm9i`],
  ['a path', `${mixed} /srv/keys`],
])('what was read as prose is seen in the middle of what the user said: %s', (_, topic) => {
  const account = 'GB33BUKB20201555555555';
  const words = `correcthorsebatterystaple ${'zyxwvuts'.repeat(10)} aGVsbG8gYm9i`;
  const outputs = [prose, fields, `They pay to ${account}, ${words}, from /srv/keys, by 4111111111111111.`];
  expect(isHeld(originsOf({ values: { topic: mixed } }, outputs))).toBe(false);
  expect(isHeld(originsOf({ values: { topic } }, outputs))).toBe(true);
  expect(isHeld(originsOf({ answers: { q: { action: 'accept', content: { note: topic } } } }, outputs))).toBe(true);
});

it.each([
  ['an id that is a field', `${mixed}, INV-2041.`],
  ['an id of the user', `${mixed} and ticket 4711, or ticket-4711`],
  ['a small number, a year, a day and a time', `${mixed} in 2 days of 2026, on 2026-11-21 at 12:30`],
  ['words with a hyphen or an accent', `${mixed}: a follow-up and/or a café visit, don’t`],
  ['what nobody said', `${mixed} KL-88-Z`],
])('%s goes in the middle of what the user said', (_, topic) => {
  const request = 'Brief me on project Halcyon and ticket 4711.';
  const outputs = [prose, fields, 'A follow-up in 2 of 2026, on 2026-11-21 at 12:30, and/or a café; they don’t. 4711.'];
  expect(isHeld(originsOf({ values: { topic } }, outputs, request))).toBe(false);
});

it('a site that nobody gave is no more given for the words around it', () => {
  const sites = (topic: string) => factsOf(toldTo('office', { values: { topic } })).origin.url;
  expect(sites(`${mixed} at https://made-up.net/x`)).toEqual(['nowhere']);
  expect(sites(`${mixed} at https://halcyon.example/x`)).toEqual(['request']);
});

it('more values in one text than are looked at do not go', () => {
  const topic = Array.from({ length: 500 }, (_, n) => `id-${1000 + n}`).join(' ');
  expect(isHeld(originsOf({ values: { topic } }))).toBe(true);
});

it('a yes to more values than are looked at is a yes to just those', () => {
  const { flow } = openTaskFlow({ request: 'Brief me.', ownIdentities: [], contacts: [], hash });
  observe(flow, inbox, prose);
  const many = (from: number) => Array.from({ length: 500 }, (_, n) => `id-${from + n}`).join(' ');
  const judged = (from: number) => judge(flow, withAnswers(writer, { q: { content: { note: many(from) } } }));
  approve(flow, judged(1_000).findings);
  expect([isHeld(judged(1_000).facts.origin.ref), isHeld(judged(2_000).facts.origin.ref)]).toEqual([false, true]);
});

describe('free text in answers to a server', () => {
  const answer = (content: object) => ({ q1: { action: 'accept', content } });
  it.each([
    ['a value among words', { note: 'The code is QX-77-P, as you asked' }],
    ['a value alone', { note: 'QX-77-P' }],
    ['a sentence', { note: 'the door code and the password' }],
    ['a name of what is answered', { 'QX-77-P': true }],
    ['a list', { notes: ['a', ['b', 'QX-77-P']] }],
    ['more than anybody reads', { note: prose.repeat(200) }],
    ['what is called like a thing that nobody checks', { body: `${prose} as you asked` }],
  ])('is looked at: %s', (_, content) => {
    expect(isHeld(originsOf({ answers: answer(content) }))).toBe(true);
    for (const call of [answerTo('office', { result: answer(content) }), withAnswers(writer, answer(content))])
      expect(isHeld(Object.values(factsOf(call).origin).flat()), call.profile.name).toBe(true);
  });

  it.each([
    ['words of the agent’s own', { note: 'two adults, cheerful' }],
    ['a word or two that everybody says', { note: 'the door' }],
    ['a small number', { count: 2 }],
    ['a field', { bill: 'INV-2041' }],
    ['what the user said', { note: 'Please brief me on project Halcyon' }],
  ])('goes: %s', (_, content) => {
    expect(isHeld(originsOf({ answers: answer(content) }))).toBe(false);
    expect(isHeld(originsOf({ answers: answer(content) }, [`${prose} There are 2.`, fields]))).toBe(false);
  });

  it('makes nothing that stands beside it look better', () => {
    const { text, ref } = factsOf(withAnswers(writer, answer({ note: 'KL-88-Z INV-2041' }))).origin;
    expect([text, ref]).toEqual([[], []]);
  });
});

/** A server that is told of an address is no form of it: whatever stands beside it, or in it, goes to the server. */
it.each([
  ['in plain words beside an address that the user gave', { url: 'https://halcyon.example', note: 'We buy Fabrikam' }],
  ['beside an address that the user gave', { url: 'https://halcyon.example', note: 'QX-77-P' }],
  ['in an address of a site that the user gave', { url: 'https://halcyon.example/search?q=QX-77-P' }],
  ['in one that nobody calls an address', { note: 'https://halcyon.example/QX-77-P' }],
])('what was read as prose is seen %s', (_, values) => {
  const request = 'Brief me on https://halcyon.example, please.';
  expect(isHeld(originsOf({ values: { url: 'https://halcyon.example' } }, [prose, fields], request))).toBe(false);
  expect(isHeld(originsOf({ values: { url: 'https://halcyon.example/team' } }, [prose, fields], request))).toBe(false);
  expect(isHeld(originsOf({ values }, [prose, fields], request))).toBe(true);
});

it.each([
  ['an id that was made of it', { id: 'ticket/QX-77-P' }],
  ['a name beside an address that the user gave', { recipient: 'QX-77-P <anna@fabrikam.com>' }],
  ['an address of nobody', { recipient: 'QX-77-P@example.com' }],
  ['an address that nobody has', { recipient: 'anna+QX-77-P@fabrikam.com' }],
  ['a name of an argument that was made of it', { 'x:QX-77-P': '1', 'y/QX-77-P': '2' }],
])('what was read as prose is seen in %s', (_, values) => {
  const request = 'Write to anna@fabrikam.com about project Halcyon.';
  const plain = { recipient: 'Anna Berg <anna@fabrikam.com>', id: 'ticket/INV-2041', other: 'mail@example.com' };
  expect(isHeld(originsOf({ values: plain }, [prose, fields], request))).toBe(false);
  expect(isHeld(originsOf({ values }, [prose, fields], request))).toBe(true);
});

it('answers that are longer than anybody looks through do not go with what is told', () => {
  const answers = Array.from({ length: 900 }, (_, n) => ({ id: `${n}/${'a'.repeat(40)}` }));
  expect(isHeld(originsOf({ answers }))).toBe(true);
  expect(isHeld(originsOf({ answers: answers.slice(300) }))).toBe(false);
});

it.each(
  [
    'QX-77-P',
    'page://QX-77-P',
    'page://a/QX-77-P/b',
    'page://a%2FQX-77-P',
    'page://a%252FQX-77-P',
    'page://a?q=QX-77-P&x',
    'page://a#QX-77-P',
    'page://(QX-77-P)',
    'page://q%58-77-p',
    'page://a/%zz/QX-77-P',
    'https://evil.net/a?b=c9',
    `page://${[...Array(300).keys()].join('/')}`,
    `page://${'a'.repeat(5_000)}`,
  ].map((address) => [address.slice(0, 40), address]),
)('and in an address that was made of it: %s', (_, address = '') => {
  expect(isHeld(originsOf({ addresses: [address] }))).toBe(true);
});

it.each([
  ['what the user said', { values: { topic: 'project Halcyon' } }],
  ['a field', { values: { id: 'INV-2041', name: 'Anna Berg' } }],
  ['a word of the agent’s own', { values: { tone: 'cheerful' } }],
  ['an address that is a field', { addresses: ['note://plans/7'] }],
  ['an address that is made of a field', { addresses: ['bill://INV-2041/text'] }],
  ['nothing', {}],
])('%s goes', (_, told) => {
  expect(isHeld(originsOf(told))).toBe(false);
});

it('of more than was looked at, nothing that may stand there goes, and plain words do', () => {
  const much = JSON.stringify(Array.from({ length: 500 }, (_, n) => ({ id: `id-${n}`, title: `title ${n}` })));
  expect(isHeld(originsOf({ addresses: ['page://id-499/text'] }, [much]))).toBe(true);
  expect(isHeld(originsOf({ values: { topic: 'title 499' } }, [much]))).toBe(true);
  expect(isHeld(originsOf({ addresses: ['wiki://Home/index'] }, [much]))).toBe(false);
  expect(isHeld(originsOf({ addresses: ['note://id-1'] }, [JSON.stringify({ uri: 'note://id-1' }), much]))).toBe(false);
});

it('what a long list of a server names is known to its end, and so is what it says beside that', () => {
  const item = (n: number) => ({
    uri: `note://item-${n}`,
    name: `item ${n}`,
    title: `Item ${n}`,
    description: `Number ${n}.`,
    mimeType: 'text/plain',
  });
  const resources = [...Array.from({ length: 200 }, (_, n) => item(n)), { uri: 'note://last', description: prose }];
  const { texts } = outputsOf({ resources, nextCursor: 'more' });
  expect(isHeld(originsOf({ addresses: ['note://item-199'], values: { tone: 'cheerful' } }, texts))).toBe(false);
  expect(isHeld(originsOf({ addresses: ['note://QX-77-P'] }, texts))).toBe(true);
  expect(texts.join('')).toContain('more');
});

it.each([
  ['a file', { contents: [{ uri: 'note://a', mimeType: 'image/png', blob: 'iVBORw0KGgo=' }] }],
  ['a picture in a prompt', { messages: [{ role: 'user', content: { type: 'image', data: 'iVBORw0KGgo=' } }] }],
  ['a picture in a result', { content: [{ type: 'image', data: 'iVBORw0KGgo=' }] }],
])('what stands in %s is not known', (_, result) => {
  expect(outputsOf(result).unreadable).toBe(true);
  expect(outputsOf(JSON.parse(JSON.stringify(result).replace(/"(?:blob|data)"/, '"text"'))).unreadable).toBe(
    'content' in result,
  );
});

it('more addresses at one time than are looked at do not go', () => {
  const addresses = Array.from({ length: 101 }, (_, n) => `page://${n}`);
  expect([isHeld(originsOf({ addresses })), isHeld(originsOf({ addresses: addresses.slice(1) }))]).toEqual([
    true,
    false,
  ]);
});

it('a long text of its own goes as long as nothing was read', () => {
  expect(isHeld(originsOf({ values: { text: 'some words '.repeat(900) } }, []))).toBe(false);
  expect(isHeld(originsOf({ values: { text: 'some words '.repeat(900) } }))).toBe(true);
});

it('looks at the longest that may come in the time of a call', () => {
  const values = Object.fromEntries(Array.from({ length: 20_000 }, (_, n) => [`argument${n}`, `some words ${n}`]));
  const call = toldTo('office', { values, addresses: [`page://${'a/b?c=d&'.repeat(100_000)}`] });
  expect([call.profile.arguments.length, Object.keys(call.args).length]).toEqual([1, 1]);
});
