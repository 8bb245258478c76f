import { existsSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { apiDocument } from '../../src/control/describe-api.ts';
import { isErrorCode } from '../../src/core/errors.ts';
import { makeChangeBed } from './change-bed.ts';
import { changes } from './every-change.ts';
import { type Answer, type ControlRig, field } from './rig.ts';
import type { PeopleRig } from './sign-in/people.ts';

const list = new URL('../../../shared/data/blns/blns.json', import.meta.url);
const listed = existsSync(list) ? (JSON.parse(readFileSync(list, 'utf8')) as string[]) : []; // a list of texts, if it is there
/** Always tried, in every field. */
const ours = [
  'a\0b',
  '\ud800',
  '\u001b[2J\u009b31m',
  '\u202e\u2066x\u{e0041}',
  '__proto__',
  'constructor',
  '../../%00/..',
  "x' OR '1'='1'; --",
  '-1',
  '1e309',
  '2026-99-99T99:99:99Z',
];
const megabyte = 'x'.repeat(900_000); // in the first field of each body: its own ceiling is in inputs.test.ts
/** Of the big list each field gets another share, so that all of it is sent, and none of it to all of them. */
const share = 5;
/** Where each costs a thread of its own. */
const inThread = ['a\0b', 'constructor'];
/** As a list and as a key as well. */
const shapes = new Set(['a\0b', '\ud800', '__proto__', 'constructor']);
let turn = 0;
const texts = (): readonly string[] => {
  const mine = listed.slice(turn, turn + share);
  turn = turn + share >= listed.length ? 0 : turn + share;
  return [...ours, ...mine];
};

interface Operation {
  readonly name: string;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly queries: readonly string[];
  readonly properties: readonly string[];
}
type Schema = {
  readonly $ref?: string;
  readonly properties?: object;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
};
const document = apiDocument();
function propertiesOf(schema: Schema | undefined): readonly string[] {
  if (schema?.$ref !== undefined)
    return propertiesOf(field(document, 'components', 'schemas', schema.$ref.split('/').at(-1) ?? '') as Schema);
  return [
    ...Object.keys(schema?.properties ?? {}),
    ...[...(schema?.anyOf ?? []), ...(schema?.oneOf ?? [])].flatMap(propertiesOf),
  ];
}
/** From the document, so that a field added later is tried without anybody thinking of it. */
const operations: readonly Operation[] = Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
  Object.entries(item as Record<string, object>).map(([method, operation]) => ({
    name: String(field(operation, 'operationId')),
    method: method === 'get' ? ('GET' as const) : ('POST' as const),
    path,
    queries: ((field(operation, 'parameters') ?? []) as { in: string; name: string }[]) // OpenAPI's own words
      .filter((one) => one.in === 'query')
      .map(({ name }) => name),
    properties: propertiesOf(field(operation, 'requestBody', 'content', 'application/json', 'schema') as Schema),
  })),
);

describe('hostile text in every field of every endpoint', () => {
  let rig: ControlRig;
  let people: PeopleRig;
  beforeAll(async () => {
    ({ rig, people } = await makeChangeBed());
  });
  const shown = (text: string): string => JSON.stringify(text.slice(0, 60));
  /** Taken, or refused as a problem of ours that does not send the whole of it back. */
  function expectAnswer(where: string, text: string, answer: Answer): void {
    const code = field(answer.body, 'code');
    if (answer.status < 300)
      return expect([where, shown(text), answer.status >= 200]).toEqual([where, shown(text), true]);
    expect([where, shown(text), answer.status < 500, isErrorCode(code)]).toEqual([where, shown(text), true, true]);
    expect([where, shown(text), answer.text.length < 30_000]).toEqual([where, shown(text), true]);
  }

  it('knows the fields, by what the API says of itself', () => {
    expect(operations.length).toBeGreaterThan(60);
    expect(operations.flatMap(({ properties }) => properties).length).toBeGreaterThan(50);
    expect(operations.flatMap(({ queries }) => queries).length).toBeGreaterThan(40);
  });

  it.each(operations)('$name', async ({ name, method, path, queries, properties }) => {
    const change = changes[name];
    const known = typeof change === 'object' ? change : undefined;
    const as = known === undefined || known.as.includes('@') ? 'admin' : known.as;
    const { at = 'none', body = {} } =
      known?.as.includes('@') === true ? {} : ((await known?.prepare?.({ rig, people })) ?? {});
    const base: Readonly<Record<string, unknown>> = { ...known?.body, ...body };
    const to = (id: string): string => path.replace('{id}', encodeURIComponent(id));
    const send = (target: string, sent?: object) =>
      rig.call(method, target, { as, ...(method === 'POST' ? { body: sent ?? base } : {}) });
    if (path.includes('{id}'))
      for (const text of texts().filter((one) => one !== '\ud800' && one !== ''))
        expectAnswer('id', text, await send(to(text.slice(0, 20_000))));
    for (const query of queries)
      for (const text of texts()) {
        const words = new URLSearchParams({ [query]: text.slice(0, 20_000) }).toString();
        expectAnswer(query, text, await send(`${to(at)}?${words}`));
      }
    for (const [index, property] of [...new Set(properties)].entries())
      for (const text of name === 'testPolicies' ? inThread : index === 0 ? [...texts(), megabyte] : texts())
        for (const value of shapes.has(text) ? [text, [text], { x: text }, { [text]: 'x' }] : [text])
          expectAnswer(property, text, await send(to(at), { ...base, [property]: value }));
  });
});
