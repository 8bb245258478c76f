import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { EstopYaml } from '../../src/runtime/config/schema.ts';

describe('signIn of estop.yaml', () => {
  const page = readFileSync(new URL('../../docs/sign-in.md', import.meta.url), 'utf8');
  const written: unknown = parse(/```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? '');
  const read = (value: unknown) => EstopYaml.safeParse(value);

  it('is read as docs/sign-in.md shows it', () => {
    const { signIn } = EstopYaml.parse(written);
    expect(signIn).toMatchObject({
      idleMs: 43_200_000,
      lifeMs: 604_800_000,
      oidc: { clientId: 'estop-console', network: 'public' },
      breakGlass: { longestMs: 3_600_000, rule: 'second-person' },
      services: [{ serviceId: 'nightly', subject: 'repo:pay/batch' }],
    });
    expect(signIn?.roles[2]).toEqual({
      role: 'operator',
      people: [],
      groups: ['payments'],
      labels: { team: 'payments' },
    });
  });

  it('compares addresses in lower case, and subjects as they are', () => {
    const { signIn } = EstopYaml.parse({
      signIn: { roles: [{ role: 'viewer', people: ['Ada@Example.org', 'sub:AbC'] }] },
    });
    expect(signIn?.roles[0]?.people).toEqual(['ada@example.org', 'sub:AbC']);
  });

  it.each([
    ['a role that there is not', { roles: [{ role: 'root', people: ['a@example.org'] }] }],
    ['the role of a worker', { roles: [{ role: 'agent-worker', groups: ['x'] }] }],
    [
      'a secret that stands there itself',
      { oidc: { issuer: 'https://id.example.org', clientId: 'x', clientSecret: 'hush' } },
    ],
    ['an issuer that is no address', { oidc: { issuer: 'id.example.org', clientId: 'x' } }],
    [
      'a service without a subject',
      { services: { a: { issuer: 'https://x.org', audience: 'a', jwksUri: 'https://x.org/j', roles: ['service'] } } },
    ],
    [
      'a service that is an admin',
      {
        services: {
          a: { issuer: 'https://x.org', audience: 'a', jwksUri: 'https://x.org/j', subject: 's', roles: ['admin'] },
        },
      },
    ],
    ['break-glass without a role', { breakGlass: { people: ['a@example.org'], roles: [] } }],
    ['a word that nobody knows', { rolls: [] }],
  ])('refuses %s', (_what, signIn) => {
    expect(read({ signIn }).success).toBe(false);
  });
});
