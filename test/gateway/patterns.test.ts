import { AjvJsonSchemaValidator } from '@modelcontextprotocol/client/validators/ajv';
import { describe, expect, it, vi } from 'vitest';
import { parseStrict } from '../../src/gateway/json/parse-strict.ts';
import { withinTime } from '../../src/gateway/json/within-time.ts';
import { pinTool, type ToolPin } from '../../src/gateway/upstream/tool-pin.ts';

type Definition = ToolPin['definition'];

function pinned(properties: object, more: object = {}): ToolPin {
  const inputSchema = { type: 'object', properties, ...more } as Definition['inputSchema']; // any schema, also a strange one
  const result = pinTool('shop', { name: 'find', inputSchema });
  if (!result.ok) throw new Error(result.why);
  return result.pin;
}

const faultIn = (pin: ToolPin, args: object): string | undefined => {
  const parsed = parseStrict(Buffer.from(JSON.stringify(args)));
  if (!parsed.ok) throw new Error(parsed.problem);
  return pin.faultIn(parsed.value);
};

const tooLong = 'they could not be checked in time';
/** Long enough to hold a process up for minutes; the tests end at once because nobody finishes it. */
const bait = `${'a'.repeat(40)}!`;
const nested = (depth: number): object => (depth === 0 ? { end: 1 } : { next: nested(depth - 1) });

/** None of them, and then anything. */
const values = (count: number): readonly object[] => [
  ...Array.from({ length: count }, (_, at) => ({ const: `v${at}` })),
  { type: 'number' },
];

describe('a tool whose schema takes its time', () => {
  it.each([
    [
      'a pattern that tries everything twice',
      pinned({ q: { type: 'string', pattern: '^(a+)+$' } }),
      { q: `${'a'.repeat(27)}!` },
    ],
    ['one that looks ahead', pinned({ q: { pattern: '^(?!x)(a|a)*$' } }), { q: bait }],
    ['one that refers back', pinned({ q: { pattern: '^(a*)*\\1$' } }), { q: bait }],
    ['one for the names of arguments', pinned({}, { patternProperties: { '^(a+)+$': {} } }), { [bait]: 1 }],
    ['one over a hundred kilobytes', pinned({ q: { pattern: '(.*a){9}z' } }), { q: 'a'.repeat(100_000) }],
    [
      'a schema that tries both of two equal branches on every level',
      pinned(
        { root: { $ref: '#/$defs/node' } },
        {
          $defs: {
            node: {
              anyOf: [
                { properties: { next: { $ref: '#/$defs/node' } }, required: ['never'] },
                { properties: { next: { $ref: '#/$defs/node' } }, required: ['never'] },
              ],
            },
          },
        },
      ),
      { root: nested(40) },
    ],
    [
      'a list of very much, each of which is compared with three hundred values',
      pinned({ all: { type: 'array', items: { anyOf: values(300) } } }),
      { all: Array.from({ length: 300_000 }, () => 1) },
    ],
    [
      'some things, each of which is compared with a thousand',
      pinned({ all: { type: 'array', items: { anyOf: values(1_000) } } }),
      { all: Array.from({ length: 2_000 }, () => 1) },
    ],
  ])('%s is given up, and the call with it', (_what, pin, args) => {
    expect(faultIn(pin, args)).toBe(tooLong);
  });

  it('is none if the arguments are what it is made for', () => {
    const pin = pinned({ q: { type: 'string', pattern: '^(a+)+$' }, mail: { type: 'string', format: 'email' } });
    expect(faultIn(pin, { q: 'aaaa', mail: 'anna@northwind.org' })).toBeUndefined();
    expect(faultIn(pin, { q: 'b' })).toMatch(/pattern/);
    expect(faultIn(pin, { mail: 'nobody' })).toMatch(/format/);
    const list = pinned({ all: { type: 'array', items: { anyOf: values(3) } } });
    expect(faultIn(list, { all: Array.from({ length: 5_000 }, () => 1) })).toBeUndefined();
  });
});

it('what a busy machine kept from running is tried again, what runs for too long is not', () => {
  const cell = new Int32Array(new SharedArrayBuffer(4));
  let tries = 0;
  const sleepsOnce = (): number => {
    tries += 1;
    if (tries === 1) Atomics.wait(cell, 0, 0, 500);
    return tries;
  };
  expect(withinTime(40, sleepsOnce)).toEqual({ result: 2 });
  tries = 0;
  const runs = (): void => {
    tries += 1;
    for (;;) cell[0] = tries;
  };
  expect(withinTime(40, runs)).toBeUndefined();
});

it('a tool whose schema a busy machine kept from being compiled is offered all the same, and its arguments are held against it', () => {
  const cell = new Int32Array(new SharedArrayBuffer(4));
  let isCompiling = false;
  let reads = 0;
  const stallsOnce = {
    get type() {
      // The first look is the compiler's at the whole; at the third it has code half written.
      if (isCompiling) reads += 1;
      if (reads === 3) Atomics.wait(cell, 0, 0, 500);
      return 'string';
    },
  };
  const compiles = vi.spyOn(AjvJsonSchemaValidator.prototype, 'getValidator');
  const inputSchema: Definition['inputSchema'] = { type: 'object', properties: { q: stallsOnce }, required: ['q'] };
  compiles.mockImplementation(function (this: AjvJsonSchemaValidator, schema) {
    isCompiling = true;
    compiles.mockRestore();
    return this.getValidator(schema);
  });
  const result = pinTool('shop', { name: 'find', inputSchema }, undefined, 40);
  expect([result.ok, reads > 3]).toEqual([true, true]);
  if (!result.ok) return;
  expect(result.pin.faultIn({ q: 'shoes' })).toBeUndefined();
  expect(result.pin.faultIn({ q: 1 })).toMatch(/string/);
});

it('is given up on a Node without the clock of one thread, by that of its process', () => {
  const { threadCpuUsage } = process;
  try {
    Reflect.deleteProperty(process, 'threadCpuUsage');
    expect(withinTime(40, () => 7)).toEqual({ result: 7 });
    const cell = new Int32Array(new SharedArrayBuffer(4));
    expect(
      withinTime(40, () => {
        for (;;) cell[0] = 1;
      }),
    ).toBeUndefined();
  } finally {
    process.threadCpuUsage = threadCpuUsage;
  }
});
