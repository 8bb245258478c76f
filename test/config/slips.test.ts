import { expect, it } from 'vitest';
import { type ConfigResult, parseConfig } from '../../src/runtime/config/load-config.ts';

const said = (result: ConfigResult): string =>
  result.ok ? 'no fault' : result.faults.map(({ where, message }) => `${where} ${message}`).join('\n');

const whole = (more: string): string => `
models: { small: { provider: openai-compatible, model: x, baseUrl: http://127.0.0.1:1/v1 } }
connectors: { ledger-db: { system: postgres, adminUrl: { env: DB_URL }, network: private } }
tools: { billing: { url: https://billing.example.com/mcp } }
agents:
  payer: { owner: maya, stopHolder: sam, model: small }
${more}`;
const payer = (more: string): string => whole(`  mailer: { owner: maya, stopHolder: sam, ${more} }`);

it.each([
  ['at the top', 'agnets: {}', 'agnets has no such key: agnets; did you mean agents?'],
  [
    'in a block',
    payer('model: small, stopholder: x'),
    'stopholder has no such key: stopholder; did you mean stopHolder?',
  ],
  ['in a block of a block', payer('model: small, limits: { max-steps: 3 }'), 'did you mean maxSteps?'],
  [
    'in a list',
    payer('model: small, grants: [{ name: a, connecter: ledger-db, life: 5m }]'),
    'did you mean connector?',
  ],
  [
    'in a form of several',
    whole('signIn: { oidc: { issuer: https://id.example.org, clientID: x } }'),
    'did you mean clientId?',
  ],
  [
    'in what only a connector knows',
    'connectors: { db: { system: postgres, netwrok: private } }',
    'did you mean network?',
  ],
])('a key that is misspelt %s is named with the one that was meant', (_where, text, sentence) => {
  expect(said(parseConfig(text))).toContain(sentence);
});

it.each([
  ['model', payer('model: smal'), '`models` does not have; did you mean small?'],
  ['server', payer('model: small, tools: { biling/pay: ask }'), '`tools` does not have; did you mean billing?'],
  ['agent', payer('model: small, mayStart: [payr]'), '`agents` does not have; did you mean payer?'],
  [
    'connector',
    payer('model: small, grants: [{ name: a, connector: leger-db, life: 5m }]'),
    '`connectors` does not have; did you mean ledger-db?',
  ],
  ['connector of drills', whole('drills: { connectors: { leger-db: { every: 24h } } }'), 'did you mean ledger-db?'],
])('a %s that is misspelt where it is named is, too', (_what, text, sentence) => {
  expect(said(parseConfig(text))).toContain(sentence);
});

it('what is near to nothing is left at that', () => {
  expect(said(parseConfig('wallet: {}'))).toBe('wallet has no such key: wallet; remove it or correct its spelling');
  expect(said(parseConfig(payer('model: huge')))).toMatch(/names model "huge", which `models` does not have$/m);
});
