import { expect, it } from 'vitest';
import type { EstopConfig } from '../../src/contract/config.ts';
import { SealedSecrets } from '../../src/gateway/secrets/sealed-secrets.ts';
import { UpstreamSecrets } from '../../src/gateway/secrets/upstream-secrets.ts';
import { VaultSecrets } from '../../src/gateway/secrets/vault-secrets.ts';
import { billingBot, readerBot } from './rig.ts';

const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

it('a value that an agent has since a moment ago is compared with those of the others before it is used', () => {
  const current: EstopConfig = {
    environment: 'test',
    trustDomain: 'test.local',
    agents: [billingBot, readerBot].map((agent) => ({ ...agent, tools: { 'own/act': 'allow' } })),
    connectors: [],
    models: [],
    toolServers: [
      {
        serverId: 'own',
        url: 'https://own.example/mcp',
        credentials: { 'billing-bot': { env: 'MINE' }, 'reader-bot': { env: 'YOURS' } },
      },
    ],
  };
  const values: Record<string, string> = { MINE: 'one value', YOURS: 'another value' };
  const readLocal = ({ env = '' }: { readonly env?: string }): string => values[env] ?? '';
  const config = { current: () => current };
  const nothing = { read: () => Promise.reject(new Error('away')), reseal: () => Promise.resolve(false) };
  const sealer = { seal: () => expect.fail(), open: () => expect.fail(), newestKeyId: () => expect.fail() };
  const secrets = new UpstreamSecrets({
    config,
    readLocal,
    sealed: new SealedSecrets(nothing, sealer, () => new Set(), log),
    vault: new VaultSecrets({ config, readLocal, log }),
    log,
  });
  expect(secrets.isWronglyShared('another value', 'reader-bot')).toBe(false);
  values['MINE'] = 'another value';
  expect(secrets.isWronglyShared('another value', 'billing-bot')).toBe(true);
  expect(secrets.isWronglyShared('another value', 'reader-bot')).toBe(true);
});
