import { expect, it } from 'vitest';
import { judge } from '../../../src/core/flow/judge.ts';
import { toldTo } from '../../../src/core/flow/not-a-tool.ts';
import { observe } from '../../../src/core/flow/observe.ts';
import { openTaskFlow } from '../../../src/core/flow/open-flow.ts';
import { proposeProfile } from '../../../src/core/flow/tool-profile.ts';
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
  const { flow } = openTaskFlow({ request, ownIdentities: [], contacts: [], hash });
  for (const output of outputs) observe(flow, inbox, output);
  const { facts } = judge(flow, toldTo('office', told));
  return [...new Set(Object.values(facts.origin).flat())].sort();
}
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

/** A server that is told of an address is no form of it: whatever stands beside it, or in it, goes to the server. */
it.each([
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
