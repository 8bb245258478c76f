import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { diffConfig } from '../../src/runtime/config/diff-config.ts';
import { configJsonSchema } from '../../src/runtime/config/json-schema.ts';
import { type ConfigFault, parseConfig } from '../../src/runtime/config/load-config.ts';
import { errorsPage } from '../../tools/docs/errors-page.ts';

const good = `
environment: dev
agents:
  billing-bot:
    owner: ada@example.com
    stopHolder: grace@example.com
    labels: {team: billing}
    model: small
    tools: {billing/list_invoices: allow, billing/refund: ask}
    grants:
      - {name: wake, connector: clock, life: 10m, options: {workflowType: wakeUp, taskQueue: q}}
    mayStart: [billing-bot]
    limits: {maxSteps: 7, approvalTtl: 90s}
connectors:
  clock: {system: temporal, address: '127.0.0.1:7233', namespace: estop-agents, network: loopback}
tools:
  billing: {url: 'http://127.0.0.1:9000/mcp', credential: {env: BILLING_KEY}}
models:
  small: {provider: openai, model: gpt, apiKey: {file: key.txt}}
`;

function faultsOf(text: string): readonly ConfigFault[] {
  const result = parseConfig(text);
  if (result.ok) throw new Error('this should not have parsed');
  return result.faults;
}

const change = (from: string, to: string): string => {
  if (!good.includes(from)) throw new Error(`the example has no ${from}`);
  return good.replace(from, to);
};

describe('estop.yaml', () => {
  it('becomes agents, connectors, tools and models with durations in milliseconds', () => {
    const result = parseConfig(good);
    if (!result.ok) throw new Error(JSON.stringify(result.faults));
    expect(result.config.agents[0]).toMatchObject({
      agentId: 'billing-bot',
      grants: [{ name: 'wake', lifeMs: 600_000 }],
      limits: { maxSteps: 7, approvalTtlMs: 90_000 },
    });
    expect(result.config.toolServers).toEqual([
      { serverId: 'billing', url: 'http://127.0.0.1:9000/mcp', credential: { env: 'BILLING_KEY' } },
    ]);
    expect(result.config.connectors[0]?.options).toMatchObject({ namespace: 'estop-agents', tls: false });
  });

  it.each([
    ['an unknown key', change('labels:', 'lables:'), 'lables', 7],
    ['a model that is not there', change('model: small', 'model: large'), 'names model "large"', 8],
    ['a tool server that is not there', change('billing/refund: ask', 'bank/refund: ask'), 'names server "bank"', 9],
    [
      'a grant of a connector that is not there',
      change('connector: clock', 'connector: watch'),
      'names connector "watch"',
      11,
    ],
    [
      'an agent that may start nobody known',
      change('mayStart: [billing-bot]', 'mayStart: [ghost]'),
      'names agent "ghost"',
      12,
    ],
    ['a duration without a unit', change('life: 10m', 'life: 10'), 'such as 15m', 11],
    ['nobody who answers for it', change('    owner: ada@example.com\n', ''), 'is missing: add it, as text', 4],
    ['a number out of bounds', change('maxSteps: 7', 'maxSteps: 0'), 'must be at least 1', 13],
    ['a word for a number', change('maxSteps: 7', 'maxSteps: seven'), 'must be a number', 13],
    ['a mark that there is not', change('billing/refund: ask', 'billing/refund: deny'), 'must be allow or ask', 9],
    ['a list for a block', change('labels: {team: billing}', 'labels: [billing]'), 'must be a block of keys', 7],
    [
      'a connector option that its system does not have',
      change('network: loopback', 'network: moon'),
      'must be public or ',
      15,
    ],
    [
      'a connector option that nobody knows',
      change('network: loopback', 'network: loopback, netwrok: loopback'),
      'has no such key: netwrok',
      15,
    ],
    [
      'a secret written out',
      change('credential: {env: BILLING_KEY}', 'credential: hunter2'),
      'write { env: NAME }',
      17,
    ],
    [
      'a secret of a connector written out',
      change('network: loopback}', 'network: loopback, apiKey: hunter2}'),
      'write { env: NAME }',
      15,
    ],
    [
      'a password in an address',
      change('http://127.0.0.1:9000', 'http://bot:hunter2@127.0.0.1:9000'),
      'out of the address',
      17,
    ],
    [
      'a secret that is nowhere',
      change('connectors:', 'connectors:\n  crm: {system: oauth}'),
      'is missing: say where it is',
      15,
    ],
    ['a secret under no variable', change('{env: BILLING_KEY}', '{env: billing-key}'), 'in capitals', 17],
    ['a key given twice', change('    model: small', '    model: small\n    model: small'), 'unique', 9],
    ['a look-alike in an id', change('billing-bot:', 'billing-bоt:'), 'must be 1-63 lower-case letters', 4],
    ['a path for an id', change('  billing-bot:', '  ../etc:'), 'must be 1-63 lower-case letters', 4],
    ['a system nobody knows', change('system: temporal', 'system: telex'), 'must be oauth or ', 15],
  ])('is refused for %s, with the line and a sentence', (_what, text, message, line) => {
    const faults = faultsOf(text);
    const said = faults.map((fault) => fault.message).join('\n');
    expect(said).toContain(message);
    // What a schema library says for itself names no fix, and what stood there may be a secret.
    expect(said).not.toMatch(/Invalid|expected|received|hunter2/);
    expect(faults.map((fault) => fault.line)).toContain(line);
  });

  it('is refused when it is not YAML, too large, or a bomb of aliases', () => {
    expect(faultsOf('agents: [')[0]?.line).toBe(1);
    expect(faultsOf(`a: ${'x'.repeat(1024 * 1024)}`)[0]?.message).toContain('1 MiB');
    const bomb = [
      'a: &a [x,x,x,x,x,x,x,x,x]',
      ...'bcdefgh'
        .split('')
        .map((name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcdefgh'[index]}`).join(',')}]`),
    ].join('\n');
    expect(faultsOf(bomb)[0]?.message).toContain('aliases');
  });

  it('takes no key that would reach an object prototype', () => {
    expect(faultsOf('__proto__: {environment: prod}').length).toBeGreaterThan(0);
    expect(faultsOf('agents: {__proto__: {owner: x}}').length).toBeGreaterThan(0);
    expect(({} as Record<string, unknown>)['owner']).toBeUndefined();
  });

  it('the order of keys is no difference: a store keeps none', () => {
    const parsed = parseConfig(good);
    if (!parsed.ok) throw new Error('it parses');
    const turned = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(turned);
      if (typeof value !== 'object' || value === null) return value;
      return Object.fromEntries(
        Object.entries(value)
          .toReversed()
          .map(([key, held]) => [key, turned(held)]),
      );
    };
    const other = turned(parsed.config) as typeof parsed.config;
    expect(JSON.stringify(other)).not.toBe(JSON.stringify(parsed.config));
    expect(diffConfig(parsed.config, other)).toEqual([]);
  });

  it('shows a reload as a list of what changes', () => {
    const [before, after] = [parseConfig(good), parseConfig(change('maxSteps: 7', 'maxSteps: 8'))];
    if (!before.ok || !after.ok) throw new Error('both parse');
    expect(diffConfig(before.config, after.config)).toEqual([
      { kind: 'changed', path: 'agents.billing-bot.limits.maxSteps', before: 7, after: 8 },
    ]);
  });
});

describe('drills in estop.yaml', () => {
  const drillsOf = (text: string) => {
    const result = parseConfig(good + text);
    return result.ok ? result.config.drills : result.faults.map(({ message }) => message).join('\n');
  };
  it('none is by itself unless it says so; for all, or for each', () => {
    expect(drillsOf('')).toBeUndefined();
    expect(drillsOf('drills: {}')).toEqual([]);
    expect(drillsOf('drills: {every: 24h}')).toEqual([{ connectorId: 'clock', everyMs: 86_400_000 }]);
    expect(drillsOf('drills: {connectors: {clock: {every: 5m}}}')).toEqual([
      { connectorId: 'clock', everyMs: 300_000 },
    ]);
    expect(drillsOf('drills: {every: 1h, connectors: {clock: {every: never}}}')).toEqual([]);
  });

  it.each([
    ['more often than it takes', 'drills: {every: 1m}', 'from 5m to 720h'],
    ['so seldom that nobody would notice', 'drills: {every: 721h}', 'from 5m to 720h'],
    ['a connector that is not there', 'drills: {connectors: {nobody: {every: 1h}}}', 'names connector "nobody"'],
  ])('%s is refused', (_what, text, says) => {
    expect(drillsOf(text)).toContain(says);
  });

  it('a schedule that changes is shown as a change', () => {
    const [before, after] = [parseConfig(good), parseConfig(`${good}drills: {every: 1h}`)];
    if (!before.ok || !after.ok) throw new Error('both parse');
    expect(diffConfig(before.config, after.config)).toEqual([
      { kind: 'added', path: 'drills', after: { clock: { everyMs: hour } } },
    ]);
  });
});
const hour = 3_600_000;

describe('the pages made from code', () => {
  const committed = (name: string): string => readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8');
  it('are those that `npm run docs` would write now', () => {
    expect(JSON.parse(committed('estop.schema.json'))).toEqual(JSON.parse(JSON.stringify(configJsonSchema())));
    expect(committed('errors.md')).toBe(errorsPage());
  });
});
