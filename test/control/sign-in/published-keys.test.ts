import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import { logoutTokenTerms, readLogout } from '../../../src/control/sign-in/logout-token.ts';
import { createPublishedKeys, type PublishedKeys } from '../../../src/control/sign-in/published-keys.ts';
import { recordingLog } from '../../revocation/rig.ts';

const issuer = 'https://id.example.org';
const event = 'http://schemas.openid.net/event/backchannel-logout';
const source = { jwksUri: `${issuer}/jwks`, network: 'public', of: 'test' } as const;

describe('what a provider says of a sign-out', () => {
  let keys: PublishedKeys;
  let sign: (changes?: Readonly<Record<string, unknown>>) => Promise<string>;
  beforeAll(async () => {
    const { privateKey, publicKey } = await generateKeyPair('RS256');
    const jwk = { ...(await exportJWK(publicKey)), kid: 'one', alg: 'RS256' };
    keys = createPublishedKeys({ fetch: async () => Response.json({ keys: [jwk] }), log: recordingLog().log });
    sign = (changes = {}) => {
      const second = Math.floor(Date.now() / 1_000);
      const claims = {
        iss: issuer,
        aud: 'console',
        iat: second,
        jti: 'j',
        sub: 'otto',
        events: { [event]: {} },
        ...changes,
      };
      return new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'one' }).sign(privateKey);
    };
  });
  const read = async (token: string) => {
    const verified = await keys.verify(token, source, logoutTokenTerms(issuer, 'console'));
    return typeof verified === 'string' ? undefined : readLogout(issuer, verified.payload);
  };

  it('names a person, or one of their sessions, and itself', async () => {
    expect(await read(await sign())).toEqual({ issuer, subject: 'otto', tokenId: 'j' });
    expect(await read(await sign({ sub: undefined, sid: 's' }))).toEqual({ issuer, issuerSid: 's', tokenId: 'j' });
  });

  const second = Math.floor(Date.now() / 1_000);
  it.each([
    ['of another issuer', { iss: 'https://attacker.example' }],
    ['for another client', { aud: 'other' }],
    ['of six minutes and more ago', { iat: second - 400 }],
    ['without a name of its own', { jti: undefined }],
    ['whose name is no text', { jti: 7 }],
    ['that is one for signing somebody in', { nonce: 'n' }],
    ['without what happened', { events: undefined }],
    ['of which something else happened', { events: { 'https://example.org/other': {} } }],
    ['about nobody', { sub: undefined }],
  ])('one %s says nothing', async (_what, changes) => {
    expect(await read(await sign(changes))).toBeUndefined();
  });
});

describe('the keys of an issuer', () => {
  it('are good for a day after they were last heard, and no longer', async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES256');
    const jwk = { ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256' };
    let [isDown, now] = [false, 0];
    const keys = createPublishedKeys({
      fetch: async () => (isDown ? new Response('', { status: 502 }) : Response.json({ keys: [jwk] })),
      log: recordingLog().log,
      now: () => now,
    });
    const jwt = await new SignJWT({}).setProtectedHeader({ alg: 'ES256', kid: 'one' }).sign(privateKey);
    const verify = async () => typeof (await keys.verify(jwt, source, { algorithms: ['ES256'] }));
    expect(await verify()).toBe('object');
    isDown = true;
    now = 23 * 3_600_000;
    expect(await verify()).toBe('object');
    now = 24 * 3_600_000 + 1;
    expect(await verify()).toBe('string');
    isDown = false;
    now += 2_001;
    expect(await verify()).toBe('object');
  });
});
